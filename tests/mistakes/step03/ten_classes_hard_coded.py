"""The null class is written as 10 instead of being taken from the argument: other numbers of
classes break.

Seen in: diffusers#13616
Caught by: test_model_is_asked_at_the_same_point_twice
Crashes: IndexError in the model, which has no class 10
"""


def guided_velocity(model, x, t, y, scale, null_class):
    null = torch.full_like(y, 10)
    if not isinstance(scale, Tensor) and scale in (0, 1):
        return model(x, t, y if scale == 1 else null)
    v_uncond, v_cond = model(torch.cat([x, x]), torch.cat([t, t]), torch.cat([null, y])).chunk(2)
    return guide(v_uncond, v_cond, scale)
