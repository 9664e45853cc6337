"""arange(1, 0, -dt) gives one time too many for some numbers of steps, such as 49, 98 and 103.

Seen in: np.arange with a step that is no binary fraction, whose manual warns of it
Caught by: test_many_steps_are_as_many_evaluations
"""

import numpy as np


@torch.no_grad()
def _euler(model, velocity, shape, num_steps, device, generator, noise):
    if num_steps < 1:
        raise ValueError(f"num_steps must be at least 1, got {num_steps}")
    device = _device_of(model, device)
    if noise is None:
        source = generator.device if generator is not None else device
        noise = torch.randn(shape, generator=generator, device=source)
    x = noise.to(device)
    modes = [(layer, layer.training) for layer in model.modules()]
    model.eval()
    for time in np.arange(1.0, 1e-17, -1 / num_steps):
        t = torch.full((shape[0],), float(time), device=device)
        x = x - velocity(x, t) / num_steps
    for layer, training in modes:
        layer.training = training
    return x
