"""In the manner of pipelines: a scheduler object with timesteps and a step, and a pipeline that
holds it; all three samplers are calls of the pipeline.
"""

from contextlib import ExitStack
from dataclasses import dataclass, field


@dataclass
class _EulerScheduler:
    num_steps: int
    timesteps: list = field(init=False)

    def __post_init__(self):
        if self.num_steps < 1:
            raise ValueError("a scheduler needs at least one step")
        self.timesteps = [k / self.num_steps for k in range(self.num_steps, 0, -1)]

    def step(self, velocity, x):
        return x.sub(velocity.div(self.num_steps))


class _Pipeline:
    def __init__(self, model, device, generator):
        self.model, self.generator = model, generator
        self.device = torch.device(device or next(model.parameters()).device)

    def latents(self, shape):
        at = self.generator.device if self.generator else self.device
        return torch.randn(shape, generator=self.generator, device=at)

    def resting(self, stack):
        for layer in self.model.modules():
            stack.callback(setattr, layer, "training", layer.training)
        self.model.train(False)

    def __call__(self, velocity, shape, num_steps, noise):
        scheduler = _EulerScheduler(num_steps)
        x = (self.latents(shape) if noise is None else noise).to(self.device)
        with ExitStack() as stack:
            stack.enter_context(torch.no_grad())
            self.resting(stack)
            for time in scheduler.timesteps:
                t = torch.tensor(time, device=self.device).expand(len(x))
                x = scheduler.step(velocity(x, t), x)
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
    pipeline = _Pipeline(model, device, generator)
    return pipeline(model, (num_samples, *image_shape), num_steps, noise)


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
    pipeline = _Pipeline(model, device, generator)
    labels = torch.as_tensor(class_labels)
    if labels.dtype == torch.bool or torch.is_floating_point(labels):
        raise TypeError("class labels are whole numbers")
    labels = labels.long().view(-1)
    if not torch.equal(labels, labels.clamp(0, num_classes)):
        raise IndexError(f"class labels are 0 .. {num_classes}")
    labels = labels.to(pipeline.device)

    def velocity(x, t):
        return guided_velocity(model, x, t, labels, cfg_scale, num_classes)

    return pipeline(velocity, (*labels.shape, *image_shape), num_steps, noise)


def sample_each_class(
    model, num_per_class=1, image_shape=(1, 28, 28), num_steps=50, cfg_scale=4.0, **options
):
    every = range(options.get("num_classes", 10))
    labels = sorted([*every] * num_per_class)
    return sample_conditional(model, labels, image_shape, num_steps, cfg_scale, **options)
