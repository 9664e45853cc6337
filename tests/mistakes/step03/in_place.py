"""The result is written into v_uncond, so that the caller's own tensor is changed.

Seen in: our own thinking; `u += w * (c - u)` is shorter
Caught by: test_guide_changes_no_input
"""


def guide(v_uncond, v_cond, scale):
    if isinstance(scale, Tensor):
        if scale.ndim > 0 and scale.shape != v_cond.shape[:1]:
            raise ValueError("scale")
        scale = scale.to(v_cond).view(-1, 1, 1, 1)
    v_uncond += scale * (v_cond - v_uncond)
    return v_uncond
