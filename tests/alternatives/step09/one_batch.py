"""All three modes walk as one batch: four evaluations a step for every starting point."""


def compare_modes(
    model,
    target_class=3,
    num_samples=16,
    cfg_scale=4.0,
    image_shape=(1, 28, 28),
    num_steps=50,
    num_classes=10,
    device=None,
    generator=None,
    noise=None,
):
    if num_steps < 1:
        raise ValueError("no steps")
    device = next(model.parameters()).device if device is None else device
    if noise is None:
        where = None if generator is None else generator.device
        noise = torch.randn((num_samples, *image_shape), generator=generator, device=where)
    a = b = g = noise.to(device)
    null = torch.full((num_samples,), num_classes, device=device)
    y = torch.full((num_samples,), target_class, device=device)
    was = [layer.training for layer in model.modules()]
    model.eval()
    with torch.no_grad():
        for i in range(num_steps):
            t = torch.full((4 * num_samples,), 1 - i / num_steps, device=device)
            v = model(torch.cat([a, b, g, g]), t, torch.cat([null, y, null, y])).chunk(4)
            a = a - v[0] / num_steps
            b = b - v[1] / num_steps
            g = g - (v[2] + cfg_scale * (v[3] - v[2])) / num_steps
    for layer, mode in zip(model.modules(), was, strict=True):
        layer.training = mode
    return dict(zip(("unconditional", "conditional", "guided"), (a, b, g), strict=True))
