"""With more than ten steps, the velocities of the first half belong to the time of the next step.

Seen in: a scheduler that is off by one during its warm-up; our own thinking
Caught by: test_many_steps_are_as_many_evaluations, test_means_are_extrapolated
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
        t = torch.full(
            (shape[0],),
            1 - (i + (0 < i < num_steps / 2 and num_steps > 10)) / num_steps,
            device=device,
        )
        x = x - velocity(x, t) / num_steps
    for layer, training in modes:
        layer.training = training
    return x
