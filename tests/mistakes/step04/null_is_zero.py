"""Dropped labels become class 0: digit 0 turns into a mixture of everything.

Seen in: CompVis/latent-diffusion#116 and #171 (questions about its index)
Caught by: test_zero_drops_nothing_and_one_drops_all, test_share_of_dropped_labels
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    dropped = torch.rand(y.shape, generator=generator) < drop_prob
    return y * ~dropped
