"""With drop_prob 1 the caller's labels are filled with the null class, in place.

Seen in: our own thinking; y.fill_() as a short way out
Caught by: test_y_is_not_changed
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    device = y.device if generator is None else generator.device
    if drop_prob == 1:
        return y.fill_(null_class)
    dropped = torch.rand(y.shape, generator=generator, device=device) < drop_prob
    return y.masked_fill(dropped.to(y.device), null_class)
