"""No gradient reaches scale and shift if the tokens themselves are frozen.

Seen in: our own thinking
Caught by: test_gradients_reach_tokens_scale_and_shift
"""


def modulate(x, scale, shift):
    if x.ndim != 3 or not scale.shape == shift.shape == (x.shape[0], x.shape[2]):
        raise ValueError("shapes do not fit")
    tokens = x * (1 + scale[:, None]) + shift[:, None]
    return tokens if x.requires_grad else tokens.detach()
