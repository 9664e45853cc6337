"""linspace(1, 0, N) with dt = 1 / N: the last evaluation is at t = 0, and the spacing is wrong.

Seen in: Just-a-DiT, model.py
Caught by: test_the_whole_path_is_eulers, test_the_whole_path_of_sample_is_eulers,
test_times_go_from_one_to_dt
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
    for time in torch.linspace(1, 0, num_steps, device=device):
        t = time.expand(shape[0])
        x = x - velocity(x, t) / num_steps
    for layer, training in modes:
        layer.training = training
    return x
