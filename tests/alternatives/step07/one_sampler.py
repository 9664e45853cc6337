"""A small class does the walk; conditional half first, sum of weights, times from NumPy, modes
by context.
"""

from contextlib import contextmanager

import numpy as np


@contextmanager
def _resting(model):
    training = {name: part.training for name, part in model.named_modules()}
    try:
        yield model.eval()
    finally:
        for name, part in model.named_modules():
            part.training = training[name]


class _Walk:
    def __init__(self, model, num_steps, device, generator):
        if num_steps < 1:
            raise ValueError(f"{num_steps} steps")
        self.model, self.generator = model, generator
        self.times = 1 - np.arange(num_steps) / num_steps
        self.dt = 1.0 / num_steps
        self.device = torch.device(device or next(iter(model.parameters())).device)

    def __call__(self, count, shape, field, noise):
        with torch.no_grad(), _resting(self.model):
            x = self.noise((count, *shape)) if noise is None else noise
            x = x.to(self.device)
            for time in self.times:
                t = torch.from_numpy(np.full(count, time)).float().to(self.device)
                x = torch.sub(x, field(x, t), alpha=self.dt)
        return x.detach()

    def noise(self, shape):
        if self.generator is None:
            return torch.randn(shape, device=self.device)
        return torch.randn(shape, generator=self.generator, device=self.generator.device)


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
    return _Walk(model, num_steps, device, generator)(num_samples, image_shape, model, noise)


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
    walk = _Walk(model, num_steps, device, generator)
    classes = np.asarray(
        class_labels.cpu() if isinstance(class_labels, Tensor) else class_labels
    ).ravel()
    if classes.dtype.kind not in "iu":
        raise TypeError("labels must be whole numbers")
    if not set(classes.tolist()) <= set(range(num_classes + 1)):
        raise ValueError(f"labels must be among 0 .. {num_classes}")
    y = torch.tensor(classes.tolist(), device=walk.device)

    def field(x, t):
        if cfg_scale in (0.0, 1.0):
            return model(x, t, y * int(cfg_scale) + num_classes * int(1 - cfg_scale))
        c, u = model(
            x.repeat(2, 1, 1, 1), t.repeat(2), torch.cat((y, torch.full_like(y, num_classes)))
        ).split(len(y))
        return (1 - cfg_scale) * u + cfg_scale * c

    return walk(len(y), image_shape, field, noise)


def sample_each_class(model, num_per_class=1, image_shape=(1, 28, 28), *args, **kwargs):
    num_classes = kwargs.get("num_classes", args[2] if len(args) > 2 else 10)
    labels = np.repeat(np.arange(num_classes), num_per_class).tolist()
    return sample_conditional(model, labels, image_shape, *args, **kwargs)
