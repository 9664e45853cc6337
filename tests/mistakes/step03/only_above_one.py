"""Guidance only works if the scale is above 1: 0 gives the conditional velocity, and 0.5 does
nothing.

Seen in: diffusers#9680, diffusers#5882, dia PR#240
Caught by: test_scale_zero_is_unconditional, test_values_follow_the_formula
"""


def guide(v_uncond, v_cond, scale):
    if not isinstance(scale, Tensor) and scale <= 1:
        return v_cond
    if isinstance(scale, Tensor):
        scale = scale.to(v_cond).view(-1, 1, 1, 1)
    return v_uncond + scale * (v_cond - v_uncond)
