"""The scale is detached: its projection never learns.

Seen in: our own thinking
Caught by: test_gradients_reach_tokens_scale_and_shift
"""


def modulate(x, scale, shift):
    return x * (1 + scale.detach()[:, None]) + shift[:, None]
