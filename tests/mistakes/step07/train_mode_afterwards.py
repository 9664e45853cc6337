"""The model is always put into train mode afterwards, even if it came in eval mode.

Seen in: sampling code inside of training loops; our own thinking
Caught by: test_eval_mode_meanwhile_and_the_old_mode_afterwards
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
    model.eval()
    for i in range(num_steps):
        t = torch.full((shape[0],), 1 - i / num_steps, device=device)
        x = x - velocity(x, t) / num_steps
    model.train()
    return x
