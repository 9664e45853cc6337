"""The null labels are made on the CPU, wherever the labels are: it works on a laptop and fails on
a GPU.

Seen in: our own thinking; torch.full without device=
Caught by: test_null_labels_are_where_the_labels_are
"""


def guided_velocity(model, x, t, y, scale, null_class):
    null = torch.full((len(y),), null_class)
    if not isinstance(scale, Tensor) and scale in (0, 1):
        return model(x, t, y if scale == 1 else null)
    both = model(torch.cat([x, x]), torch.cat([t, t]), torch.cat([null, y]))
    v_uncond, v_cond = both.chunk(2)
    return guide(v_uncond, v_cond, scale)
