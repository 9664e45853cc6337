"""Each image walks alone, in place on a copy, with a time that is counted down; the model
refuses bad labels.
"""


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
    return _walks(
        model,
        [None] * num_samples,
        image_shape,
        num_steps,
        None,
        num_classes,
        device,
        generator,
        noise,
    )


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
    labels = torch.atleast_1d(torch.as_tensor(class_labels)).tolist()
    if not all(type(label) is int for label in labels):
        raise TypeError(f"{labels} are no classes")
    return _walks(
        model, labels, image_shape, num_steps, cfg_scale, num_classes, device, generator, noise
    )


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
    labels = torch.arange(num_classes * num_per_class).div(num_per_class, rounding_mode="floor")
    return sample_conditional(
        model, labels, image_shape, num_steps, cfg_scale, num_classes, device, generator, noise
    )


def _walks(model, labels, shape, num_steps, scale, null, device, generator, noise):
    if num_steps < 1:
        raise ValueError("num_steps")
    device = device or next(model.parameters()).device
    learning = [part for part in model.modules() if part.training]
    model.train(mode=False)
    finished = []
    with torch.set_grad_enabled(False):
        for i, label in enumerate(labels):
            if noise is not None:
                x = noise[i : i + 1].detach().clone().to(device)
            elif generator is not None:
                x = torch.empty(1, *shape, device=generator.device).normal_(generator=generator)
                x = x.to(device)
            else:
                x = torch.normal(0.0, 1.0, (1, *shape)).to(device)
            time = 1.0
            for _ in range(num_steps):
                t = torch.tensor([time], device=device)
                if label is None:
                    v = model(x, t)
                else:
                    y = torch.tensor([label], device=device)
                    v = guided_velocity(model, x, t, y, scale, null)
                x -= v / num_steps
                time -= 1 / num_steps
            finished.append(x)
    for part in learning:
        part.training = True
    return torch.cat(finished)
