"""The new axis is at the end: scale runs along the tokens.

Seen in: our own thinking
Caught by: test_modulate_follows_the_formula
Crashes: RuntimeError where the numbers of tokens and of features differ
"""


def modulate(x, scale, shift):
    return x * (1 + scale[..., None]) + shift[..., None]
