"""NumPy chooses, torch tosses the coins: labels go through np.where and come back."""

import numpy as np


def drop_labels(y, drop_prob, null_class, generator=None):
    if not np.logical_and(np.greater_equal(drop_prob, 0), np.less_equal(drop_prob, 1)):
        raise ValueError("a probability lies between 0 and 1")
    where = "cpu" if generator is None else generator.device
    coins = torch.rand(len(y), generator=generator, device=where).cpu().numpy()
    old = y.detach().cpu().numpy()
    new = np.where(coins < drop_prob, np.asarray(null_class, dtype=old.dtype), old)
    return torch.from_numpy(new).to(device=y.device, dtype=y.dtype)
