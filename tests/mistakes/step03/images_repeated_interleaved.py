"""Images are repeated in the order 0, 0, 1, 1, … and labels in the order 0, 1, …, 0, 1, …: the
pairs no longer match.

Seen in: a comment in threestudio#161
Caught by: test_guided_velocity_mixes_the_models_two_answers,
test_model_is_asked_at_the_same_point_twice
"""


def guided_velocity(model, x, t, y, scale, null_class):
    null = torch.full_like(y, null_class)
    if not isinstance(scale, Tensor) and scale in (0, 1):
        return model(x, t, y if scale == 1 else null)
    both = model(x.repeat_interleave(2, 0), t.repeat_interleave(2, 0), torch.cat([null, y]))
    v_uncond, v_cond = both.chunk(2)
    return guide(v_uncond, v_cond, scale)
