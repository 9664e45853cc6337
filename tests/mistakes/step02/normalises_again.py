"""x is layer-normalised once more, although it comes in normalised.

Seen in: adaLN's formula read as one function; our own thinking
Caught by: test_modulate_does_not_normalise, test_modulate_follows_the_formula
"""

import torch


def modulate(x, scale, shift):
    x = torch.nn.functional.layer_norm(x, x.shape[-1:])
    return x * (1 + scale[:, None]) + shift[:, None]
