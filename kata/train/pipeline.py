"""From an implementation of the steps, weights and noise to images."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from kata.train.checked_steps import CheckedSteps
from kata.train.checkpoints import Checkpoint, CheckpointError
from kata.train.samplers import SAMPLERS, WHOLE, Interval, Velocity, guided

CLASSES = 10
PER_BATCH = 10
"""Samples of each class that are drawn at a time: larger batches are no faster on a CPU."""


class Pipeline:
    """Draws with the implementation's samplers, on the model's own device.

    image_shape: (C, H, W); num_steps: of Euler's method; seed: of all starting noise.
    """

    def __init__(
        self,
        learner: CheckedSteps,
        model: nn.Module,
        image_shape: tuple[int, int, int],
        num_steps: int,
        seed: int,
    ) -> None:
        self.learner = learner
        self.model = model
        self.image_shape = image_shape
        self.num_steps = num_steps
        self.device = next(model.parameters()).device
        self._generator = torch.Generator().manual_seed(seed)

    def noise(self, count: int) -> Tensor:
        """New starting points, `(count, C, H, W)`."""
        return torch.randn((count, *self.image_shape), generator=self._generator).to(self.device)

    def each_class(self, per_class: int, scale: float, noise: Tensor | None = None) -> Tensor:
        """So many samples of each class, class-major: `(10 * per_class, C, H, W)`."""
        return self.learner.images(
            7,
            "sample_each_class",
            (CLASSES * per_class, *self.image_shape),
            self.model,
            num_per_class=per_class,
            image_shape=self.image_shape,
            num_steps=self.num_steps,
            cfg_scale=scale,
            noise=self.noise(CLASSES * per_class) if noise is None else noise,
        )

    def grid(self, per_class: int, scale: float) -> np.ndarray:
        """A row a class: `(10, per_class, H, W)`."""
        return self._pictures(self.each_class(per_class, scale)).reshape(
            CLASSES, per_class, *self.image_shape[1:]
        )

    def at_scales(
        self, scales: Sequence[float], per_class: int, advance: Callable[[], None]
    ) -> Iterator[tuple[float, Tensor, Tensor]]:
        """Samples at every scale, all from the same noise: (scale, images `(N, C, H, W)`, labels `(N,)`).

        advance: called after each of the `parts(scales, per_class)` batches.
        """
        sizes = _sizes(per_class)
        drawn: dict[float, list[Tensor]] = {scale: [] for scale in scales}
        for size in sizes:
            noise = self.noise(CLASSES * size)
            for scale in scales:
                drawn[scale].append(self.each_class(size, scale, noise))
                advance()
        labels = torch.cat([torch.arange(CLASSES).repeat_interleave(size) for size in sizes])
        for scale in scales:
            yield scale, torch.cat(drawn[scale]), labels

    def one_class_at_scales(self, digit: int, scales: Sequence[float], count: int) -> Tensor:
        """One digit at several scales: `(S, count, C, H, W)`, a column a starting point."""
        return self.learner.images(
            8,
            "compare_cfg_scales",
            (len(scales), count, *self.image_shape),
            self.model,
            target_digit=digit,
            scales=scales,
            num_samples=count,
            image_shape=self.image_shape,
            num_steps=self.num_steps,
            noise=self.noise(count),
        )

    def modes(self, digit: int, count: int, scale: float) -> dict[str, np.ndarray]:
        """The three modes by name, each `(count, H, W)`, from the same noise."""
        drawn = self.learner.call(
            9,
            "compare_modes",
            self.model,
            target_class=digit,
            num_samples=count,
            cfg_scale=scale,
            image_shape=self.image_shape,
            num_steps=self.num_steps,
            noise=self.noise(count),
        )
        shape = (count, *self.image_shape)
        with self.learner.blame(9, "compare_modes"):
            named = {name: drawn[name] for name in ("unconditional", "conditional", "guided")}
        return {
            name: self._pictures(self.learner.tensor(9, "compare_modes", images, shape))
            for name, images in named.items()
        }

    def _pictures(self, images: Tensor) -> np.ndarray:
        """`(..., C, H, W)` to `(..., H, W)`: the first channel."""
        return images[..., 0, :, :].numpy()


def batches_at_scales(scales: Sequence[float], per_class: int) -> int:
    """How many batches `at_scales` draws."""
    return len(scales) * len(_sizes(per_class))


def _sizes(per_class: int) -> list[int]:
    return [min(PER_BATCH, per_class - first) for first in range(0, per_class, PER_BATCH)]


@dataclass(frozen=True)
class Sampling:
    """How to walk from noise to an image. method: a name of SAMPLERS; interval: of time, in which guidance acts."""

    method: str = "euler"
    num_steps: int = 25
    interval: Interval = WHOLE

    def cost(self, scale: float) -> int:
        """How many samples one image evaluates."""
        times: list[float] = []

        def note(x: Tensor, t: float) -> Tensor:
            times.append(t)
            return x

        SAMPLERS[self.method](note, torch.zeros(1), self.num_steps)
        low, high = self.interval
        return sum(2 if low <= t <= high and scale not in (0, 1) else 1 for t in times)

    def __str__(self) -> str:
        low, high = self.interval
        within = "" if self.interval == WHOLE else f", guidance for t in [{low:g}, {high:g}]"
        return f"{self.num_steps} {self.method.capitalize()} steps{within}"


class TrainedModel:
    """A checkpoint on a device, under an implementation's steps 3, 5 and 7.

    `model`; `evaluated`: samples that the model was asked about so far. Raises CheckpointError where the
    weights do not fit, LearnerError where a step fails.
    """

    def __init__(self, learner: CheckedSteps, checkpoint: Checkpoint, device: torch.device) -> None:
        self.learner, self.image_shape, self.device = learner, checkpoint.image_shape, device
        if checkpoint.facts["model"].get("num_classes", CLASSES) != CLASSES:
            raise CheckpointError(
                f"{checkpoint.folder} was trained on other classes than ten digits."
            )
        with learner.blame(5, "ConditionalDiT", let_through=(CheckpointError,)):
            self.model = checkpoint.build(learner.modules[5].ConditionalDiT).to(device)
        self.evaluated = 0
        self.on_evaluated: Callable[[int], None] = lambda count: None
        self.model.register_forward_pre_hook(self._count, with_kwargs=True)

    def draw(self, labels: Tensor, scale: float, sampling: Sampling, noise: Tensor) -> Tensor:
        """An image for every label `(N,)`, from its noise `(N, C, H, W)`: the same shape, on the CPU.

        Euler's method with guidance at all times is step 7's `sample_conditional`; any other sampling is the
        tool's own on step 3's `guided_velocity`.
        """
        if sampling.method == "euler" and sampling.interval == WHOLE:
            return self.learner.images(
                7,
                "sample_conditional",
                tuple(noise.shape),
                self.model,
                labels,
                self.image_shape,
                num_steps=sampling.num_steps,
                cfg_scale=scale,
                num_classes=CLASSES,
                noise=noise.to(self.device),
            )
        velocity = self.velocity(labels, scale, sampling.interval)
        return SAMPLERS[sampling.method](velocity, noise.to(self.device), sampling.num_steps).cpu()

    def velocity(self, labels: Tensor, scale: float, interval: Interval = WHOLE) -> Velocity:
        """The velocity towards the labels `(N,)` by step 3's `guided_velocity`."""
        labels = labels.to(self.device)
        return guided(self._guided_velocity, self.model, labels, scale, CLASSES, interval)

    def _guided_velocity(self, model: torch.nn.Module, x: Tensor, *others: Any) -> Tensor:
        result = self.learner.call(3, "guided_velocity", model, x, *others)
        self.learner.tensor(3, "guided_velocity", result, tuple(x.shape))
        return result.to(x.device)

    def _count(
        self, model: torch.nn.Module, arguments: tuple[Any, ...], named: dict[str, Any]
    ) -> None:
        count = len(arguments[0] if arguments else named["x"])
        self.evaluated += count
        self.on_evaluated(count)


def starting_noise(seed: int, count: int, shape: tuple[int, int, int]) -> Tensor:
    """Starting points `(count, C, H, W)`: the same for the same seed, on every device."""
    return torch.randn((count, *shape), generator=torch.Generator().manual_seed(seed))
