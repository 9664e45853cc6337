"""The null class of the first call is stored and used in all later calls.

Seen in: our own thinking; a global variable that is set once
Caught by: test_every_call_uses_its_own_arguments
"""

_null = []


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    device = y.device if generator is None else generator.device
    _null.append(null_class)
    dropped = torch.rand(y.shape, generator=generator, device=device) < drop_prob
    return y.masked_fill(dropped.to(y.device), _null[0])
