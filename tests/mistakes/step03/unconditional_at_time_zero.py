"""The unconditional half is evaluated at t = 0 instead of at the caller's time.

Seen in: our own thinking; zeros as the placeholder for "no condition"
Caught by: test_guided_velocity_mixes_the_models_two_answers,
test_model_is_asked_at_the_same_point_twice
"""


def guided_velocity(model, x, t, y, scale, null_class):
    null = torch.full_like(y, null_class)
    if not isinstance(scale, Tensor) and scale in (0, 1):
        return model(x, t, y if scale == 1 else null)
    both = model(torch.cat([x, x]), torch.cat([torch.zeros_like(t), t]), torch.cat([null, y]))
    v_uncond, v_cond = both.chunk(2)
    return guide(v_uncond, v_cond, scale)
