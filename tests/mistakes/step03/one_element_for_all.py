"""A scale of shape (1,) is spread over a batch of several samples, instead of being refused.

Seen in: our own thinking; numel() == 1 taken for "a number"
Caught by: test_scale_of_another_shape_is_refused
"""


def guide(v_uncond, v_cond, scale):
    if isinstance(scale, Tensor):
        if scale.ndim > 0 and scale.shape not in ((1,), v_cond.shape[:1]):
            raise ValueError("scale")
        scale = scale.to(v_cond).view(-1, 1, 1, 1)
    return v_uncond + scale * (v_cond - v_uncond)
