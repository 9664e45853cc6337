"""The difference is taken the wrong way round, so that more guidance leads further away from the
label.

Seen in: the usual slip; the sign that threestudio PR#161 corrected
Caught by: test_scale_one_is_conditional, test_values_follow_the_formula,
test_result_is_linear_in_the_scale
"""


def guide(v_uncond, v_cond, scale):
    if isinstance(scale, Tensor):
        if scale.ndim > 0 and scale.shape != v_cond.shape[:1]:
            raise ValueError("scale")
        scale = scale.to(v_cond).view(-1, 1, 1, 1)
    return v_uncond + scale * (v_uncond - v_cond)
