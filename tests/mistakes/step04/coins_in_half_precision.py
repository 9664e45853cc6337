"""The coins are numbers of half precision, of which there are only 2048: rare events get their
probability wrong.

Seen in: our own thinking; dtype=torch.float16 taken over from the model
Caught by: test_share_of_dropped_labels
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    device = y.device if generator is None else generator.device
    if drop_prob in (0, 1):
        return torch.full_like(y, null_class) if drop_prob == 1 else y.clone()
    coins = torch.rand(y.shape, generator=generator, device=device, dtype=torch.float16)
    return y.masked_fill((coins < drop_prob).to(y.device), null_class)
