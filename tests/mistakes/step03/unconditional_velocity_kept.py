"""The unconditional velocity is stored and used again for the same x, while the weights change.

Seen in: our own thinking; a cache that is to spare half of the evaluations
Caught by: test_every_call_asks_the_model_anew
"""

_kept = []


def guided_velocity(model, x, t, y, scale, null_class):
    null = torch.full_like(y, null_class)
    if not isinstance(scale, Tensor) and scale in (0, 1):
        return model(x, t, y if scale == 1 else null)
    v_cond = model(x, t, y)
    if not (_kept and _kept[0] is x and _kept[1] is t and _kept[2] is model):
        _kept[:] = [x, t, model, model(x, t, null)]
    return guide(_kept[3], v_cond, scale)
