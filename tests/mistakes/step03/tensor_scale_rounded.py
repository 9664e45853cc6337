"""A scale that is a tensor without axes is made a whole number: 0.5 becomes 0.

Seen in: our own thinking; int() where .item() was meant
Caught by: test_scale_as_a_tensor_without_axes
"""


def guide(v_uncond, v_cond, scale):
    if isinstance(scale, Tensor):
        if scale.ndim > 0 and scale.shape != v_cond.shape[:1]:
            raise ValueError("scale")
        scale = scale.to(v_cond).view(-1, 1, 1, 1) if scale.ndim else int(scale)
    return v_uncond + scale * (v_cond - v_uncond)
