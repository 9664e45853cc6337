"""The result is written into v_cond, so that the caller's own tensor is changed.

Seen in: our own thinking; three operations in place spare three copies
Caught by: test_guide_changes_no_input
"""


def guide(v_uncond, v_cond, scale):
    if isinstance(scale, Tensor):
        if scale.ndim > 0 and scale.shape != v_cond.shape[:1]:
            raise ValueError("scale")
        scale = scale.to(v_cond).view(-1, 1, 1, 1)
    return v_cond.sub_(v_uncond).mul_(scale).add_(v_uncond)
