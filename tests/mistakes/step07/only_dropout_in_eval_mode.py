"""Only the dropout layers are put into eval mode: a BatchNorm layer goes on averaging over samples.

Seen in: our own thinking; Monte Carlo dropout the other way round
Caught by: test_every_layer_is_in_eval_mode_meanwhile
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
    model.training = False
    for layer in model.modules():
        if isinstance(layer, torch.nn.Dropout):
            layer.eval()
    for i in range(num_steps):
        t = torch.full((shape[0],), 1 - i / num_steps, device=device)
        x = x - velocity(x, t) / num_steps
    for layer, training in modes:
        layer.training = training
    return x
