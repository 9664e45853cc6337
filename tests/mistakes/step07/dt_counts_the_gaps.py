"""dt = 1 / (N - 1), as if N steps were N points: the walk overshoots by one step.

Seen in: rectified-flow-pytorch#14
Caught by: test_sample_lands_on_the_image_of_the_null_class,
test_guidance_lands_where_the_formula_says,
    test_the_whole_path_is_eulers, test_the_whole_path_of_sample_is_eulers
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
        x = x - velocity(x, t) / max(num_steps - 1, 1)
    for layer, training in modes:
        layer.training = training
    return x
