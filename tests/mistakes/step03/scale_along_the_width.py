"""A scale of shape (B,) is not reshaped: it runs along the width of the image, silently if B equals
the width.

Seen in: the broadcasting rule itself; our own thinking
Caught by: test_one_scale_a_sample
Crashes: RuntimeError where B and the width differ
"""


def guide(v_uncond, v_cond, scale):
    if isinstance(scale, Tensor) and scale.ndim > 0 and scale.shape != v_cond.shape[:1]:
        raise ValueError("scale")
    return v_uncond + scale * (v_cond - v_uncond)
