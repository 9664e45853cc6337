"""The unconditional velocity is detached: half of the gradient is lost if somebody trains through
the guidance.

Seen in: our own thinking
Caught by: test_gradients_reach_both_velocities
"""


def guide(v_uncond, v_cond, scale):
    if isinstance(scale, Tensor):
        if scale.ndim > 0 and scale.shape != v_cond.shape[:1]:
            raise ValueError("scale")
        scale = scale.to(v_cond).view(-1, 1, 1, 1)
    v_uncond = v_uncond.detach()
    return v_uncond + scale * (v_cond - v_uncond)
