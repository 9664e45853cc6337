"""The pipeline: an implementation's steps, a model and noise go in, images come out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from kata.train.checked_steps import CheckedSteps
from kata.train.checkpoints import Checkpoint, CheckpointError
from kata.train.samplers import ALL_TIMES, SOLVERS, Interval, Velocity, guided

CLASSES = 10
DRAWN_AT_A_TIME = 100
"""Images in one batch of samples: larger ones are no faster on a CPU."""


@dataclass(frozen=True)
class Sampling:
    """How to get from noise to an image.

    method: a name of SOLVERS; interval: the times at which guidance acts.
    """

    method: str = "euler"
    num_steps: int = 25
    interval: Interval = ALL_TIMES

    def cost(self, scale: float) -> int:
        """Return how many samples the model evaluates for one image."""
        times: list[float] = []

        def note(x: Tensor, t: float) -> Tensor:
            times.append(t)
            return x

        SOLVERS[self.method](note, torch.zeros(1), self.num_steps)
        low, high = self.interval
        return sum(2 if low <= t <= high and scale not in (0, 1) else 1 for t in times)

    def __str__(self) -> str:
        low, high = self.interval
        within = "" if self.interval == ALL_TIMES else f", guidance for t in [{low:g}, {high:g}]"
        return f"{self.num_steps} {self.method.capitalize()} steps{within}"


LESSON_SAMPLING = Sampling("euler", 50)
"""What step 7's samplers do when they are not told a number of steps."""
DEFAULT_SAMPLING = Sampling("heun", 6, (0.3, 1.0))
"""Chosen by `kata bench --only samplers`: a fifth of LESSON_SAMPLING's evaluations, and images at
most 0.08 away, root mean square, of equal fidelity and diversity. Below t = 0.3 guidance changes
little.
"""


class Pipeline:
    """Draws images with a model, by the samplers of an implementation.

    steps: those whose samplers are used, of 3, 7, 8 and 9; model: a `ConditionalDiT`, which stays
    on its device; image_shape: (C, H, W); sampling: of `draw`, the other samplers take its number
    of steps; seed: of all noise. Images come back on the CPU.
    """

    def __init__(
        self,
        steps: CheckedSteps,
        model: nn.Module,
        image_shape: tuple[int, int, int],
        sampling: Sampling,
        seed: int,
    ) -> None:
        self.steps, self.model, self.image_shape = steps, model, image_shape
        self.sampling = sampling
        self.device = next(model.parameters()).device
        self._generator = torch.Generator().manual_seed(seed)

    @classmethod
    def from_checkpoint(
        cls,
        steps: CheckedSteps,
        checkpoint: Checkpoint,
        device: torch.device,
        sampling: Sampling,
        seed: int,
    ) -> Self:
        """Return the pipeline of a checkpoint's weights in step 5's `ConditionalDiT`.

        Raise CheckpointError if the weights do not fit, StepCallError if step 5 fails.
        """
        if checkpoint.facts["model"].get("num_classes", CLASSES) != CLASSES:
            raise CheckpointError(
                f"{checkpoint.folder} was trained on other classes than ten digits."
            )
        with steps.blame(5, "ConditionalDiT", let_through=(CheckpointError,)):
            model = checkpoint.build(steps.modules[5].ConditionalDiT).to(device)
        return cls(steps, model, checkpoint.image_shape, sampling, seed)

    def noise(self, count: int) -> Tensor:
        """Return the next starting points, `(count, C, H, W)`: the same on all devices."""
        return torch.randn((count, *self.image_shape), generator=self._generator).to(self.device)

    def draw(self, labels: Tensor, scale: float, noise: Tensor) -> Tensor:
        """Return one image per label `(N,)`, each from its own noise: `(N, C, H, W)`.

        Euler's method with guidance at all times is step 7's `sample_conditional`; any other
        sampling is a solver of this package on step 3's `guided_velocity`.
        """
        batches = zip(labels.split(DRAWN_AT_A_TIME), noise.split(DRAWN_AT_A_TIME), strict=True)
        return torch.cat([self._draw(some, scale, start) for some, start in batches])

    def _draw(self, labels: Tensor, scale: float, noise: Tensor) -> Tensor:
        method, interval = self.sampling.method, self.sampling.interval
        if method == "euler" and interval == ALL_TIMES:
            return self.steps.images(
                7,
                "sample_conditional",
                tuple(noise.shape),
                self.model,
                labels,
                num_classes=CLASSES,
                **self._from(noise, scale),
            )
        velocity = self.velocity(labels, scale)
        return SOLVERS[method](velocity, noise, self.sampling.num_steps).cpu()

    def velocity(self, labels: Tensor, scale: float) -> Velocity:
        """Return the velocity towards the labels `(N,)`, by step 3's `guided_velocity`."""

        def checked(model: nn.Module, x: Tensor, *others: Any) -> Tensor:
            result = self.steps.call(3, "guided_velocity", model, x, *others)
            self.steps.tensor(3, "guided_velocity", result, tuple(x.shape))
            return result.to(x.device)

        labels = labels.to(self.device)
        return guided(checked, self.model, labels, scale, CLASSES, self.sampling.interval)

    def each_class(self, per_class: int, scale: float, noise: Tensor | None = None) -> Tensor:
        """Return step 7's samples of each class, class-major: `(10 * per_class, C, H, W)`.

        noise: one starting point per sample; new ones without it.
        """
        count = CLASSES * per_class
        return self.steps.images(
            7,
            "sample_each_class",
            (count, *self.image_shape),
            self.model,
            num_per_class=per_class,
            **self._from(self.noise(count) if noise is None else noise, scale),
        )

    def grid(self, per_class: int, scale: float) -> np.ndarray:
        """Return new samples of each class, one row per class: `(10, per_class, H, W)`."""
        images = first_channel(self.each_class(per_class, scale))
        return images.reshape(CLASSES, per_class, *self.image_shape[1:])

    def one_class_at_scales(self, digit: int, scales: Sequence[float], count: int) -> Tensor:
        """Return step 8's comparison of S scales, from the same noise: `(S, count, C, H, W)`."""
        return self.steps.images(
            8,
            "compare_cfg_scales",
            (len(scales), count, *self.image_shape),
            self.model,
            target_digit=digit,
            scales=scales,
            num_samples=count,
            **self._from(self.noise(count)),
        )

    def modes(
        self, digit: int, count: int, scale: float, generator: torch.Generator | None = None
    ) -> dict[str, np.ndarray]:
        """Return step 9's three modes by name, from the same noise, each `(count, H, W)`.

        generator: the step draws the noise from it; without it, the noise is the pipeline's.
        """
        start = self._from(self.noise(count), scale)
        if generator is not None:
            start = {**start, "noise": None, "generator": generator}
        drawn = self.steps.call(
            9,
            "compare_modes",
            self.model,
            target_class=digit,
            num_samples=count,
            **start,
        )
        with self.steps.blame(9, "compare_modes"):
            named = {name: drawn[name] for name in ("unconditional", "conditional", "guided")}
        shape = (count, *self.image_shape)
        return {
            name: first_channel(self.steps.tensor(9, "compare_modes", images, shape))
            for name, images in named.items()
        }

    def _from(self, noise: Tensor, scale: float | None = None) -> dict[str, Any]:
        """The arguments that all samplers of steps 7 to 9 share."""
        shared = {
            "image_shape": self.image_shape,
            "num_steps": self.sampling.num_steps,
            "noise": noise.to(self.device),
        }
        return shared if scale is None else {**shared, "cfg_scale": scale}


def first_channel(images: Tensor) -> np.ndarray:
    """Return the first channel of images `(..., C, H, W)`: `(..., H, W)`."""
    return images[..., 0, :, :].numpy()


class SampleCounter:
    """While it is entered, counts the samples that a model evaluates: `total` in all.

    `on_samples` is called with the number of samples of every call.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model, self.total = model, 0
        self.on_samples: Callable[[int], None] = lambda count: None

    def __enter__(self) -> Self:
        self._hook = self.model.register_forward_pre_hook(self._count, with_kwargs=True)
        return self

    def __exit__(self, *error: object) -> None:
        self._hook.remove()

    def _count(self, model: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        count = len(arguments[0] if arguments else named["x"])
        self.total += count
        self.on_samples(count)
