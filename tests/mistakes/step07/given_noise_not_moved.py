"""Given noise stays where it is: with a model on a GPU, x is on the CPU.

Seen in: issue trackers everywhere: expected all tensors to be on the same device
Caught by: test_everything_is_on_one_device
"""


@torch.no_grad()
def _euler(model, velocity, shape, num_steps, device, generator, noise):
    if num_steps < 1:
        raise ValueError(f"num_steps must be at least 1, got {num_steps}")
    device = _device_of(model, device)
    given = noise is not None
    if noise is None:
        source = generator.device if generator is not None else device
        noise = torch.randn(shape, generator=generator, device=source)
    x = noise if given else noise.to(device)
    modes = [(layer, layer.training) for layer in model.modules()]
    model.eval()
    for i in range(num_steps):
        t = torch.full((shape[0],), 1 - i / num_steps, device=device)
        x = x - velocity(x, t) / num_steps
    for layer, training in modes:
        layer.training = training
    return x
