"""The mix is computed in float32 and converted back: doubles lose half of their digits.

Seen in: the .float() of mixed-precision samplers
Caught by: test_values_follow_the_formula
"""


def guide(v_uncond, v_cond, scale):
    if isinstance(scale, Tensor):
        if scale.ndim > 0 and scale.shape != v_cond.shape[:1]:
            raise ValueError("scale")
        scale = scale.to(v_cond.device, torch.float32).view(-1, 1, 1, 1)
    u, c = v_uncond.float(), v_cond.float()
    return (u + scale * (c - u)).to(v_cond.dtype)
