"""The model is called in eval mode and put back by train(mode): a layer inside that had another
mode loses it.

Seen in: our own thinking; was_training = model.training remembers one of many modes
Caught by: test_mode_and_gradients_are_left_alone
"""


def guided_velocity(model, x, t, y, scale, null_class):
    model.train(model.training)
    null = torch.full_like(y, null_class)
    if not isinstance(scale, Tensor) and scale in (0, 1):
        return model(x, t, y if scale == 1 else null)
    both = model(torch.cat([x, x]), torch.cat([t, t]), torch.cat([null, y]))
    v_uncond, v_cond = both.chunk(2)
    return guide(v_uncond, v_cond, scale)
