"""The function seeds the global generator: the same places are dropped in every batch.

Seen in: our own thinking, after seeds set where they do not belong
Caught by: test_every_call_draws_anew, test_without_a_generator_the_global_one_is_used
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    if generator is None:
        torch.manual_seed(42)
    dropped = torch.rand(y.shape, generator=generator) < drop_prob
    return y.masked_fill(dropped, null_class)
