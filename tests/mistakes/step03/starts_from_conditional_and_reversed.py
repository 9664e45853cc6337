"""It starts from the conditional velocity and subtracts: w = 0 is conditional, and larger scales
flee from the label.

Seen in: our own thinking
Caught by: test_scale_zero_is_unconditional, test_values_follow_the_formula
"""


def guide(v_uncond, v_cond, scale):
    if isinstance(scale, Tensor):
        if scale.ndim > 0 and scale.shape != v_cond.shape[:1]:
            raise ValueError("scale")
        scale = scale.to(v_cond).view(-1, 1, 1, 1)
    return v_cond + scale * (v_uncond - v_cond)
