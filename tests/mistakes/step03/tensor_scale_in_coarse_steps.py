"""A tensor scale is rounded to a thousandth.

Seen in: our own thinking; rounded for a label in a figure, and then used
Caught by: test_scale_as_a_tensor_without_axes, test_one_scale_a_sample
"""


def guide(v_uncond, v_cond, scale):
    if isinstance(scale, Tensor):
        if scale.ndim > 0 and scale.shape != v_cond.shape[:1]:
            raise ValueError("scale")
        scale = (scale.double() * 1000).round().div(1000).to(v_cond).view(-1, 1, 1, 1)
    return v_uncond + scale * (v_cond - v_uncond)
