"""The coins come from a copy of the generator, which itself never moves on: two calls drop the same
labels.

Seen in: our own thinking
Caught by: test_every_call_draws_anew
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    if generator is not None:
        generator = torch.Generator().manual_seed(generator.initial_seed())
    dropped = torch.rand(y.shape, generator=generator) < drop_prob
    return y.masked_fill(dropped, null_class)
