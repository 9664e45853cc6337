"""Step 7. Guided sampling

The idea
    The network knows the direction from data to noise at every point. So start from pure noise and
    walk the other way: look up the velocity, take a small step against it, look again. After N
    steps from t = 1 to t = 0 the noise has become a digit. With the guided velocity of step 3
    instead of the plain one, it becomes the digit that was asked for.

The formula (Euler's method)
    x ~ N(0, I),    dt = 1 / N
    for t = 1, 1 - dt, 1 - 2 dt, …, dt:
        v = v_u + w · (v_c - v_u)        (step 3; without guidance just v_θ(x, t))
        x ← x - dt · v

    N evaluations, the first at t = 1, the last at t = dt. The walk ends at t = 0; nothing is
    evaluated there.

Shapes
    x                  (B, C, H, W)
    t                  (B,)            the same time for all, but the model wants one per sample
    class_labels       (B,)            or a list, or one int for one image

What it costs
    50 steps without guidance cost 50 evaluations per sample. With guidance they cost 100: a
    conditional and an unconditional one per step, best done as one batch of twice the size.
    At w = 0 and w = 1 one of the two is multiplied by zero, and 50 are enough.

Why eval mode, why no gradients
    Layers such as dropout behave differently in train mode, and a graph through 50 evaluations
    would fill the memory. The mode is put back afterwards: somebody may be in the middle of
    training.

Why nothing is clamped
    Intermediate images are noisy and go beyond [-1, 1]; this is normal, and clamping them bends the
    path. At the end, the share of pixels outside of [-1, 1] tells how over-saturated a guidance
    scale is. Clamping would hide it.

What goes wrong in practice
    - x + dt · v, or time from 0 to 1: noise stays noise (LightningDiT#89).
    - linspace(1, 0, N) with dt = 1 / N: the last evaluation is at t = 0 and the spacing is wrong;
      dt = 1 / (N - 1) overshoots.
    - The unconditional pass gets the labels after all: every scale gives the same picture
      (DiffGui#5).
    - Images and labels in different orders within a batch, repeat against repeat_interleave (a
      comment in threestudio#161).
    - One noise for the whole batch: ten identical sevens.
    - torch.manual_seed() inside the sampler: the caller's random numbers are no longer random.
    - model.eval() and never back: training continues without dropout (ddpm-pytorch#327).

Source: Lipman et al. 2023 (flow matching); Ho & Salimans 2022 (guidance).
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from .step03_guidance import guided_velocity


def sample(
    model: nn.Module,
    num_samples: int,
    image_shape: tuple[int, int, int],
    num_steps: int = 50,
    num_classes: int = 10,
    device: torch.device | str | None = None,
    generator: torch.Generator | None = None,
    noise: Tensor | None = None,
) -> Tensor:
    """Draw images of no class in particular, by Euler's method.

    model: called as model(x, t), so that an unconditional model works too; at
        t = 1, 1 - dt, ..., dt with dt = 1 / num_steps, t of shape `(B,)`
    num_samples: B
    image_shape: (C, H, W), not always square
    num_classes: only here because the other samplers have it; it changes nothing
    device: where images, times and labels are; None is that of the model's first parameter
    generator: draws the noise, on the generator's device; None is torch's global one, which is
        never reseeded, and not touched if a generator is given
    noise: the starting point `(B, C, H, W)`, not changed; if it is None, N(0, I) is drawn, anew for
        every sample

    Returns `(B, C, H, W)` in the dtype of the noise, not clamped; no graph is recorded. Every layer
    of the model is in eval mode meanwhile, and afterwards in the mode it was in. The parameters,
    their gradients and autograd are left as they were. Raises ValueError if num_steps is below 1.
    """
    return _euler(
        model,
        lambda x, t: model(x, t),
        (num_samples, *image_shape),
        num_steps,
        device,
        generator,
        noise,
    )


def sample_conditional(
    model: nn.Module,
    class_labels: Tensor | Sequence[int] | int,
    image_shape: tuple[int, int, int],
    num_steps: int = 50,
    cfg_scale: float = 4.0,
    num_classes: int = 10,
    device: torch.device | str | None = None,
    generator: torch.Generator | None = None,
    noise: Tensor | None = None,
) -> Tensor:
    """Draw one image for every label, guided towards it.

    class_labels: a tensor `(B,)` of any integer dtype, not changed, a list, or one int or 0-dim
        tensor for one image; 0 .. K, and K = num_classes is the null class
    cfg_scale: w; 0 and 1 evaluate B samples per step, any other number 2B

    Image i is of class_labels[i]. The other arguments, what is returned, what is left unchanged and
    the ValueError are as in `sample`. Raises IndexError, ValueError or TypeError if labels are out
    of range or not integers; booleans are none.
    """
    labels = torch.as_tensor(class_labels)
    if labels.is_floating_point() or labels.dtype == torch.bool:
        raise TypeError(f"class labels must be integers, got {labels.dtype}")
    labels = labels.to(torch.int64).reshape(-1)
    if bool(((labels < 0) | (labels > num_classes)).any()):
        raise ValueError(f"class labels must lie in 0 .. {num_classes}, got {labels.tolist()}")
    y = labels.to(_device_of(model, device))

    def velocity(x: Tensor, t: Tensor) -> Tensor:
        return guided_velocity(model, x, t, y, cfg_scale, num_classes)

    return _euler(model, velocity, (len(y), *image_shape), num_steps, device, generator, noise)


def sample_each_class(
    model: nn.Module,
    num_per_class: int = 1,
    image_shape: tuple[int, int, int] = (1, 28, 28),
    num_steps: int = 50,
    cfg_scale: float = 4.0,
    num_classes: int = 10,
    device: torch.device | str | None = None,
    generator: torch.Generator | None = None,
    noise: Tensor | None = None,
) -> Tensor:
    """Draw some images of every class, in the order of the classes.

    num_per_class: n; the other arguments are those of `sample_conditional`

    Returns `(K * n, C, H, W)`, class-major: the first n images are of class 0, the next n of class
    1, and so on. The null class is not among them.
    """
    labels = torch.arange(num_classes).repeat_interleave(num_per_class)
    return sample_conditional(
        model, labels, image_shape, num_steps, cfg_scale, num_classes, device, generator, noise
    )


@torch.no_grad()
def _euler(
    model: nn.Module,
    velocity: Callable[[Tensor, Tensor], Tensor],
    shape: tuple[int, ...],
    num_steps: int,
    device: torch.device | str | None,
    generator: torch.Generator | None,
    noise: Tensor | None,
) -> Tensor:
    """Walk from noise to images along velocity(x, t); the three samplers can share it."""
    if num_steps < 1:
        raise ValueError(f"num_steps must be at least 1, got {num_steps}")
    if noise is not None and tuple(noise.shape) != shape:
        raise ValueError(f"noise must have shape {shape}, got {tuple(noise.shape)}")
    device = _device_of(model, device)
    if noise is None:
        noise = torch.randn(
            shape, generator=generator, device=generator.device if generator is not None else device
        )
    x = noise.to(device)
    modes = [(layer, layer.training) for layer in model.modules()]
    model.eval()
    for i in range(num_steps):
        t = torch.full((shape[0],), 1 - i / num_steps, device=device)
        x = x - velocity(x, t) / num_steps
    for layer, training in modes:
        layer.training = training
    return x


def _device_of(model: nn.Module, device: torch.device | str | None) -> torch.device:
    """Return the device asked for, or that of the model's first parameter."""
    return torch.device(device) if device is not None else next(model.parameters()).device
