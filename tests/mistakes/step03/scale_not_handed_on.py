"""The scale is not handed on: every scale but 0 and 1 guides with 4.

Seen in: our own thinking
Caught by: test_guided_velocity_mixes_the_models_two_answers,
test_guided_velocity_with_one_scale_a_sample
"""


def guided_velocity(model, x, t, y, scale, null_class):
    null = torch.full_like(y, null_class)
    if not isinstance(scale, Tensor) and scale in (0, 1):
        return model(x, t, y if scale == 1 else null)
    v_uncond, v_cond = model(torch.cat([x, x]), torch.cat([t, t]), torch.cat([null, y])).chunk(2)
    return guide(v_uncond, v_cond, 4.0)
