"""num_steps = 0 is accepted and gives the noise back as if it were images.

Seen in: our own thinking
Caught by: test_no_steps_are_refused
"""


@torch.no_grad()
def _euler(model, velocity, shape, num_steps, device, generator, noise):
    device = _device_of(model, device)
    if noise is None:
        source = generator.device if generator is not None else device
        noise = torch.randn(shape, generator=generator, device=source)
    x = noise.to(device)
    modes = [(layer, layer.training) for layer in model.modules()]
    model.eval()
    for i in range(num_steps):
        t = torch.full((shape[0],), 1 - i / num_steps, device=device)
        x = x - velocity(x, t) / num_steps
    for layer, training in modes:
        layer.training = training
    return x
