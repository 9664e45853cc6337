"""A tensor scale gets the dtype of the velocities and not their device: it fails on a GPU.

Seen in: our own thinking; scale.to(v.dtype) instead of scale.to(v)
Caught by: test_velocities_may_be_on_another_device_than_the_scale
"""


def guide(v_uncond, v_cond, scale):
    if isinstance(scale, Tensor):
        if scale.ndim > 0 and scale.shape != v_cond.shape[:1]:
            raise ValueError("scale")
        scale = scale.to(v_cond.dtype).view(-1, 1, 1, 1)
    return v_uncond + scale * (v_cond - v_uncond)
