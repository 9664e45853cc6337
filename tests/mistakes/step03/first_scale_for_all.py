"""A scale of shape (B,) is read as its first number, for the whole batch.

Seen in: our own thinking
Caught by: test_one_scale_a_sample, test_guided_velocity_with_one_scale_a_sample
"""


def guide(v_uncond, v_cond, scale):
    if isinstance(scale, Tensor):
        if scale.ndim > 0 and scale.shape != v_cond.shape[:1]:
            raise ValueError("scale")
        scale = scale.flatten()[0].item()
    return v_uncond + scale * (v_cond - v_uncond)
