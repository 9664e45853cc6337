"""A trained model, built by an implementation of the steps, that draws what it is asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from kata.desk.artist import CLASSES
from kata.desk.learner import Learner
from kata.train.checkpoints import Checkpoint, CheckpointError
from kata.train.samplers import SAMPLERS, WHOLE, Interval, Velocity, guided


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


class Studio:
    """A checkpoint on a device, under an implementation's steps 3, 5 and 7.

    `model`; `evaluated`: samples that the model was asked about so far. Raises CheckpointError where the
    weights do not fit, LearnerError where a step fails.
    """

    def __init__(self, learner: Learner, checkpoint: Checkpoint, device: torch.device) -> None:
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


def noise_of(seed: int, count: int, shape: tuple[int, int, int]) -> Tensor:
    """Starting points `(count, C, H, W)`: the same for the same seed, on every device."""
    return torch.randn((count, *shape), generator=torch.Generator().manual_seed(seed))
