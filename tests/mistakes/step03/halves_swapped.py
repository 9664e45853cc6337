"""The halves of the doubled batch are taken apart in the wrong order, so that guidance flees from
the label.

Seen in: Open-Sora#843, threestudio PR#161, diffusers PR#667
Caught by: test_guided_velocity_mixes_the_models_two_answers
"""


def guided_velocity(model, x, t, y, scale, null_class):
    null = torch.full_like(y, null_class)
    if not isinstance(scale, Tensor) and scale in (0, 1):
        return model(x, t, y if scale == 1 else null)
    both = model(torch.cat([x, x]), torch.cat([t, t]), torch.cat([null, y]))
    v_cond, v_uncond = both.chunk(2)
    return guide(v_uncond, v_cond, scale)
