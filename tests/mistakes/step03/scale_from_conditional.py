"""The scale counts from the conditional side, so that w = 1 already amplifies.

Seen in: threestudio#127, stable-dreamfusion#32, denoising-diffusion-pytorch#155, CosyVoice#1808
Caught by: test_scale_one_is_conditional, test_scale_zero_is_unconditional,
test_values_follow_the_formula
"""


def guide(v_uncond, v_cond, scale):
    if isinstance(scale, Tensor):
        scale = scale.to(v_cond).view(-1, 1, 1, 1)
    return v_cond + scale * (v_cond - v_uncond)
