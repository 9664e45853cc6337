"""A scale of any shape is broadcast as it comes, instead of being refused.

Seen in: our own thinking
Caught by: test_scale_of_another_shape_is_refused
"""


def guide(v_uncond, v_cond, scale):
    if isinstance(scale, Tensor):
        scale = scale.to(v_cond).flatten()[: v_cond.shape[0]]
        scale = (
            scale.view(-1, 1, 1, 1).expand(v_cond.shape[0], 1, 1, 1)
            if len(scale) in (1, v_cond.shape[0])
            else 1.0
        )
    return v_uncond + scale * (v_cond - v_uncond)
