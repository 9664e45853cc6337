"""The null labels are stored per batch size: a second call with another null class gets the old
ones.

Seen in: our own thinking; a cache without all of its keys
Caught by: test_every_call_asks_the_model_anew
"""

_nulls = {}


def guided_velocity(model, x, t, y, scale, null_class):
    null = _nulls.setdefault((len(y), id(model)), torch.full_like(y, null_class))
    null = null.to(y)
    if not isinstance(scale, Tensor) and scale in (0, 1):
        return model(x, t, y if scale == 1 else null)
    both = model(torch.cat([x, x]), torch.cat([t, t]), torch.cat([null, y]))
    v_uncond, v_cond = both.chunk(2)
    return guide(v_uncond, v_cond, scale)
