"""With drop_prob 0 the result is y itself: whoever writes into the result changes the data set.

Seen in: our own thinking; "nothing to do" as a short way out
Caught by: test_result_is_a_tensor_of_its_own
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    device = y.device if generator is None else generator.device
    if drop_prob == 0:
        return y
    dropped = torch.rand(y.shape, generator=generator, device=device) < drop_prob
    return y.masked_fill(dropped.to(y.device), null_class)
