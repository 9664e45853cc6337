"""The tokens are scaled in place: the block's residual is destroyed.

Seen in: our own thinking
Caught by: test_modulate_changes_no_input
"""


def modulate(x, scale, shift):
    x *= 1 + scale[:, None]
    return x + shift[:, None]
