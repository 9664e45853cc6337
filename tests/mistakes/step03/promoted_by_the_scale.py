"""A float64 scale turns float32 velocities into float64 ones.

Seen in: PyTorch's type promotion; our own thinking
Caught by: test_dtype_of_the_velocities_is_kept
"""


def guide(v_uncond, v_cond, scale):
    if isinstance(scale, Tensor):
        if scale.ndim > 0 and scale.shape != v_cond.shape[:1]:
            raise ValueError("scale")
        scale = scale.view(-1, 1, 1, 1)
    return v_uncond + scale * (v_cond - v_uncond)
