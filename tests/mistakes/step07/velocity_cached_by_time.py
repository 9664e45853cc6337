"""The velocity at t = 1 is kept from the first call of a model: later calls, with other weights,
start with it.

Seen in: caches of features between steps; our own thinking
Caught by: test_every_call_starts_anew
"""


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
    for i in range(num_steps):
        t = torch.full((shape[0],), 1 - i / num_steps, device=device)
        if i == 0:
            model.first_velocity = getattr(model, "first_velocity", velocity(x, t))
        x = x - (velocity(x, t) if i else model.first_velocity) / num_steps
    for layer, training in modes:
        layer.training = training
    return x
