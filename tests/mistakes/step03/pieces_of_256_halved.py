"""A large doubled batch is evaluated in pieces of 256, and each piece is split into halves of its
own.

Seen in: our own thinking; pieces to save memory
Caught by: test_guided_velocity_mixes_the_models_two_answers,
    test_guided_velocity_with_one_scale_a_sample
"""


def guided_velocity(model, x, t, y, scale, null_class):
    null = torch.full_like(y, null_class)
    if not isinstance(scale, Tensor) and scale in (0, 1):
        return model(x, t, y if scale == 1 else null)
    doubled = zip(
        torch.cat([x, x]).split(256),
        torch.cat([t, t]).split(256),
        torch.cat([null, y]).split(256),
        strict=True,
    )
    halves = [model(*piece).chunk(2) for piece in doubled]
    v_uncond, v_cond = (torch.cat(parts) for parts in zip(*halves, strict=True))
    return guide(v_uncond, v_cond, scale)
