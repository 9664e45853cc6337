"""The coins come from NumPy: neither the generator nor torch.manual_seed decides them.

Seen in: data loaders written with NumPy; our own thinking
Caught by: test_generator_decides_the_result, test_without_a_generator_the_global_one_is_used
"""

import numpy as np


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    dropped = torch.from_numpy(np.random.default_rng().random(y.shape) < drop_prob)
    return y.masked_fill(dropped, null_class)
