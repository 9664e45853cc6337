"""The unconditional pass of guided_velocity runs under torch.no_grad(): half of the gradient is
lost.

Seen in: our own thinking; "the unconditional half is only a reference"
Caught by: test_gradients_follow_the_formula
"""


def guided_velocity(model, x, t, y, scale, null_class):
    null = torch.full_like(y, null_class)
    if not isinstance(scale, Tensor) and scale in (0, 1):
        return model(x, t, y if scale == 1 else null)
    with torch.no_grad():
        v_uncond = model(x, t, null)
    return guide(v_uncond, model(x, t, y), scale)
