"""The difference is divided by the scale: the larger w is, the weaker the guidance, and w = 0 gives
no number.

Seen in: our own thinking
Caught by: test_values_follow_the_formula, test_result_is_linear_in_the_scale
"""


def guide(v_uncond, v_cond, scale):
    if isinstance(scale, Tensor):
        if scale.ndim > 0 and scale.shape != v_cond.shape[:1]:
            raise ValueError("scale")
        scale = scale.to(v_cond).view(-1, 1, 1, 1)
    return v_uncond + (v_cond - v_uncond) / torch.as_tensor(scale)
