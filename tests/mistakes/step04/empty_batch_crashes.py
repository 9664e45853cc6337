"""A batch without labels crashes, because its largest label is looked up.

Seen in: our own thinking; y.max() in a check
Caught by: test_empty_batch_stays_empty
Crashes: max() of no numbers is an error of torch
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    device = y.device if generator is None else generator.device
    if y.max() > null_class:
        raise ValueError("labels")
    dropped = torch.rand(y.shape, generator=generator, device=device) < drop_prob
    return y.masked_fill(dropped.to(y.device), null_class)
