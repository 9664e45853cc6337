"""The guided velocity is clamped, as if it were an image: guidance is no longer linear.

Seen in: habits from clamping denoised images; our own thinking
Caught by: test_nothing_is_clamped
"""


def guide(v_uncond, v_cond, scale):
    if isinstance(scale, Tensor):
        if scale.ndim > 0 and scale.shape != v_cond.shape[:1]:
            raise ValueError("scale")
        scale = scale.to(v_cond).view(-1, 1, 1, 1)
    return (v_uncond + scale * (v_cond - v_uncond)).clamp(-20, 20)
