"""Scales above 100 are taken as 100, to keep the images sane.

Seen in: our own thinking; a limit that nobody asked for
Caught by: test_values_follow_the_formula
"""


def guide(v_uncond, v_cond, scale):
    if isinstance(scale, Tensor):
        if scale.ndim > 0 and scale.shape != v_cond.shape[:1]:
            raise ValueError("scale")
        scale = scale.to(v_cond).view(-1, 1, 1, 1).clamp(max=100)
    else:
        scale = min(scale, 100)
    return v_uncond + scale * (v_cond - v_uncond)
