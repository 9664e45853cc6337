"""The samples of a trained model: for the measurements, and for the pictures."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from kata.desk.learner import Learner

CLASSES = 10
CHUNK = 10
"""Samples of each class that are drawn at a time: larger batches are no faster on a CPU."""


class Artist:
    """Draws with the implementation's samplers, on the model's own device.

    image_shape: (C, H, W); num_steps: of Euler's method; seed: of all starting noise.
    """

    def __init__(
        self,
        learner: Learner,
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


def parts(scales: Sequence[float], per_class: int) -> int:
    """How many batches `at_scales` draws."""
    return len(scales) * len(_sizes(per_class))


def _sizes(per_class: int) -> list[int]:
    return [min(CHUNK, per_class - first) for first in range(0, per_class, CHUNK)]
