"""The weights are swapped: (1 + w) v_u - w v_c pushes the samples away from the label.

Seen in: the formula of Ho & Salimans with its two terms exchanged
Caught by: test_scale_one_is_conditional, test_values_follow_the_formula
"""


def guide(v_uncond, v_cond, scale):
    if isinstance(scale, Tensor):
        if scale.ndim > 0 and scale.shape != v_cond.shape[:1]:
            raise ValueError("scale")
        scale = scale.to(v_cond).view(-1, 1, 1, 1)
    return (1 + scale) * v_uncond - scale * v_cond
