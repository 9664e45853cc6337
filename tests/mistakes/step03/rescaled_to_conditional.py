"""The result is rescaled to the strength of v_c: a remedy for over-saturation that nobody asked for
here.

Seen in: the "rescale" option of Lin et al. 2023, switched on by default
Caught by: test_values_follow_the_formula, test_result_is_linear_in_the_scale
"""


def guide(v_uncond, v_cond, scale):
    if isinstance(scale, Tensor):
        if scale.ndim > 0 and scale.shape != v_cond.shape[:1]:
            raise ValueError("scale")
        scale = scale.to(v_cond).view(-1, 1, 1, 1)
    guided = v_uncond + scale * (v_cond - v_uncond)
    return guided * v_cond.std() / guided.std()
