"""Frozen weights are made trainable again, because requires_grad_(True) is called at the end.

Seen in: our own thinking; frozen for the call and freed afterwards, whatever they were before
Caught by: test_caller_decides_about_gradients
"""


def guided_velocity(model, x, t, y, scale, null_class):
    null = torch.full_like(y, null_class)
    if not isinstance(scale, Tensor) and scale in (0, 1):
        velocity = model(x, t, y if scale == 1 else null)
    else:
        both = model(torch.cat([x, x]), torch.cat([t, t]), torch.cat([null, y]))
        v_uncond, v_cond = both.chunk(2)
        velocity = guide(v_uncond, v_cond, scale)
    for parameter in model.parameters():
        if parameter.is_leaf and not parameter.is_inference():
            parameter.requires_grad_(True)
    return velocity
