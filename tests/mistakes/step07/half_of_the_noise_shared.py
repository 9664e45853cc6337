"""Half of the noise is shared by all images of a batch, so that they look like each other.

Seen in: our own thinking; mixed noise, as video models use it on purpose
Caught by: test_no_two_images_share_their_noise
"""


@torch.no_grad()
def _euler(model, velocity, shape, num_steps, device, generator, noise):
    if num_steps < 1:
        raise ValueError(f"num_steps must be at least 1, got {num_steps}")
    device = _device_of(model, device)
    if noise is None:
        source = generator.device if generator is not None else device
        noise = torch.randn(shape, generator=generator, device=source)
        shared = torch.randn(shape[1:], generator=generator, device=source)
        noise = (noise + shared) / 2**0.5
    x = noise.to(device)
    modes = [(layer, layer.training) for layer in model.modules()]
    model.eval()
    for i in range(num_steps):
        t = torch.full((shape[0],), 1 - i / num_steps, device=device)
        x = x - velocity(x, t) / num_steps
    for layer, training in modes:
        layer.training = training
    return x
