"""The model is put into eval mode and left there: training that goes on afterwards has lost its
dropout.

Seen in: ddpm-pytorch#327, in a sampler
Caught by: test_mode_and_gradients_are_left_alone
"""


def guided_velocity(model, x, t, y, scale, null_class):
    model.eval()
    null = torch.full_like(y, null_class)
    if not isinstance(scale, Tensor) and scale in (0, 1):
        return model(x, t, y if scale == 1 else null)
    v_uncond, v_cond = model(torch.cat([x, x]), torch.cat([t, t]), torch.cat([null, y])).chunk(2)
    return guide(v_uncond, v_cond, scale)
