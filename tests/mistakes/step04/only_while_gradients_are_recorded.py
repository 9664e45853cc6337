"""Labels are dropped only while gradients are recorded: a hidden switch, although the caller has
already decided.

Seen in: a mode inside the model, in many repositories; our own thinking
Caught by: test_active_whenever_it_is_called
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    if not torch.is_grad_enabled():
        return y
    dropped = torch.rand(y.shape, generator=generator) < drop_prob
    return y.masked_fill(dropped, null_class)
