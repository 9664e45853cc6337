"""Only the last axes are compared: one scale passes for the whole batch.

Seen in: our own thinking
Caught by: test_shapes_that_do_not_fit_are_refused
"""


def modulate(x, scale, shift):
    if not x.shape[-1] == scale.shape[-1] == shift.shape[-1]:
        raise ValueError("features differ")
    return x * (1 + scale[..., None, :]) + shift[..., None, :]
