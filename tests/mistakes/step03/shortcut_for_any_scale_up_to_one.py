"""Everything up to w = 1 takes the conditional shortcut, so that 0.5 and -1 are no guidance at all.

Seen in: diffusers#5882 (on the condition `guidance_scale > 1`)
Caught by: test_guided_velocity_mixes_the_models_two_answers, test_cost_in_samples_evaluated
"""


def guided_velocity(model, x, t, y, scale, null_class):
    null = torch.full_like(y, null_class)
    if not isinstance(scale, Tensor) and scale <= 1:
        return model(x, t, null if scale == 0 else y)
    v_uncond, v_cond = model(torch.cat([x, x]), torch.cat([t, t]), torch.cat([null, y])).chunk(2)
    return guide(v_uncond, v_cond, scale)
