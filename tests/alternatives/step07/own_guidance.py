"""No use of step 3: two passes, None for the null class, times by linspace, all under
inference_mode.
"""

from itertools import pairwise


def _start(model, shape, device, generator, noise):
    device = next(model.parameters()).device if device is None else torch.device(device)
    if noise is not None:
        return noise.to(device)
    if generator is None:
        return torch.randn(*shape).to(device)
    return torch.randn(*shape, generator=generator, device=generator.device).to(device)


@torch.inference_mode()
def _follow(model, x, num_steps, field):
    if num_steps <= 0:
        raise ValueError("at least one step")
    parts = list(model.modules())
    before = [part.training for part in parts]
    model.eval()
    times = torch.linspace(1.0, 0.0, num_steps + 1, device=x.device)
    for now, then in pairwise(times):
        x = x + (then - now) * field(x, now.expand(len(x)))
    for part, training in zip(parts, before, strict=True):
        part.training = training
    return x


def sample(
    model,
    num_samples,
    image_shape,
    num_steps=50,
    num_classes=10,
    device=None,
    generator=None,
    noise=None,
):
    start = _start(model, (num_samples, *image_shape), device, generator, noise)
    return _follow(model, start, num_steps, model)


def sample_conditional(
    model,
    class_labels,
    image_shape,
    num_steps=50,
    cfg_scale=4.0,
    num_classes=10,
    device=None,
    generator=None,
    noise=None,
):
    if isinstance(class_labels, int):
        class_labels = [class_labels]
    if not isinstance(class_labels, Tensor):
        class_labels = torch.tensor(class_labels)
    if class_labels.dtype.is_floating_point or class_labels.dtype == torch.bool:
        raise ValueError("labels are whole numbers")
    if class_labels.ndim == 0:
        class_labels = class_labels[None]
    if class_labels.min() < 0 or class_labels.max() > num_classes:
        raise IndexError("no such class")
    x = _start(model, (class_labels.shape[0], *image_shape), device, generator, noise)
    y = class_labels.to(x.device, torch.long)

    def field(x, t):
        if cfg_scale == 0:
            return model(x, t)
        c = model(x, t, y=y)
        if cfg_scale == 1:
            return c
        u = model(x, t, y=None)
        return c + (cfg_scale - 1) * (c - u)

    return _follow(model, x, num_steps, field)


def sample_each_class(
    model,
    num_per_class=1,
    image_shape=(1, 28, 28),
    num_steps=50,
    cfg_scale=4.0,
    num_classes=10,
    device=None,
    generator=None,
    noise=None,
):
    labels = [label for label in range(num_classes) for _ in range(num_per_class)]
    return sample_conditional(
        model,
        labels,
        image_shape,
        num_steps=num_steps,
        cfg_scale=cfg_scale,
        num_classes=num_classes,
        device=device,
        generator=generator,
        noise=noise,
    )
