"""How few evaluations draw images that look the same: samplers beside 50 guided Euler steps."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from rich import box
from rich.console import Console
from rich.table import Table
from torch import Tensor

from kata.train.metrics import SampleScorer
from kata.train.pipeline import CLASSES, Pipeline, SampleCounter, Sampling
from kata.train.samplers import ALL_TIMES

INTERVALS = (ALL_TIMES, (0.1, 0.9), (0.2, 0.8), (0.0, 0.7), (0.3, 1.0))
NUMBERS_OF_STEPS = {"euler": (50, 25, 15, 10, 8), "heun": (12, 8, 6, 5, 4)}
CANDIDATES = [
    Sampling(method, num_steps, interval)
    for method, numbers in NUMBERS_OF_STEPS.items()
    for num_steps, interval in product(numbers, INTERVALS)
]
"""The first is the document's, with which the others are compared."""
SAMPLER_SCALES = (2.0, 4.0)


@dataclass(frozen=True)
class SamplerScores:
    """What one sampler draws at one scale.

    evaluated: samples per image; read_as_asked: a share in [0, 1]; spread: within a class; frechet:
    the Fréchet distance to real images; distance: to the images of the first candidate from the
    same noise, root mean square, in pixel units.
    """

    scale: float
    sampling: Sampling
    evaluated: float
    read_as_asked: float
    spread: float
    frechet: float
    distance: float


def compare_samplers(
    pipeline: Pipeline,
    scorer: SampleScorer,
    per_class: int,
    scales: Sequence[float] = SAMPLER_SCALES,
    candidates: Sequence[Sampling] = CANDIDATES,
    on_evaluated: Callable[[int], None] = lambda samples: None,
) -> Iterator[SamplerScores]:
    """Draw `per_class` of each class by each candidate at each scale, all from the same noise.

    Yield the scores of one after another. on_evaluated: called with the number of samples of every
    call of the model.
    """
    noise = pipeline.noise(CLASSES * per_class)
    labels = torch.arange(CLASSES).repeat(per_class)
    with SampleCounter(pipeline.model) as counter:
        counter.on_samples = on_evaluated
        for scale in scales:
            first: Tensor | None = None
            for sampling in candidates:
                before, pipeline.sampling = counter.total, sampling
                images = pipeline.draw(labels, scale, noise)
                first = images if first is None else first
                scores = scorer.samples(images, labels)
                yield SamplerScores(
                    scale,
                    sampling,
                    (counter.total - before) / len(images),
                    scores.read_as_asked,
                    scores.spread,
                    scores.frechet,
                    (images - first).square().mean().sqrt().item(),
                )


def evaluations_of_samplers(
    per_class: int,
    scales: Sequence[float] = SAMPLER_SCALES,
    candidates: Sequence[Sampling] = CANDIDATES,
) -> int:
    """Return how many samples the model evaluates in `compare_samplers`."""
    each = sum(sampling.cost(scale) for sampling in candidates for scale in scales)
    return each * CLASSES * per_class


HEADINGS = ("w", "steps", "guided", "evaluated", "read", "diversity", "Fréchet", "distance")


def print_samplers(found: Sequence[SamplerScores], console: Console) -> None:
    """Print one row per sampler and scale, the dearest first, as a table that is Markdown too."""
    table = Table(box=box.MARKDOWN, width=min(80, console.width))
    for heading in HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for scores in sorted(found, key=lambda scores: (scores.scale, -scores.evaluated)):
        low, high = scores.sampling.interval
        table.add_row(
            f"{scores.scale:g}",
            f"{scores.sampling.num_steps} {scores.sampling.method.capitalize()}",
            "always" if (low, high) == ALL_TIMES else f"{low:g}-{high:g}",
            f"{scores.evaluated:g}",
            f"{scores.read_as_asked:.1%}",
            f"{scores.spread:.3f}",
            f"{scores.frechet:.2f}",
            f"{scores.distance:.3f}",
        )
    console.print(table)
