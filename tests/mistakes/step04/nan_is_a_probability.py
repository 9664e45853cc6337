"""A drop_prob that is NaN is not refused: NaN < 0 and NaN > 1 are both false.

Seen in: our own thinking; the usual range check
Caught by: test_probability_outside_its_range_is_refused
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if drop_prob < 0 or drop_prob > 1:
        raise ValueError("drop_prob")
    device = y.device if generator is None else generator.device
    dropped = torch.rand(y.shape, generator=generator, device=device) < drop_prob
    return y.masked_fill(dropped.to(y.device), null_class)
