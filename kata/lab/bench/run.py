"""`kata bench`: measure the parts that were chosen, and print what each is compared with."""

import io
import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from kata.course.files import find_root, write_atomic
from kata.course.loader import Implementation
from kata.course.steps import step_by_number
from kata.lab.bench.memory import (
    MEMORY_NOTE,
    RUNS_OF_MEMORY,
    PeakMemory,
    can_tell_memory,
    peaks_of_memory,
)
from kata.lab.bench.recipes import (
    RecipeProgress,
    facts_of_recipes,
    load,
    recipes,
    sentences_of_recipes,
    time_to_loss,
)
from kata.lab.bench.samplers import (
    CANDIDATES,
    SamplerScores,
    compare_samplers,
    evaluations_of_samplers,
    print_samplers,
)
from kata.lab.bench.sampling import (
    SolverCost,
    cost_of_sampling,
    cost_of_solvers,
    most_solver_runs,
    runs_of_sampling,
)
from kata.lab.bench.startup import (
    StartUp,
    cost_of_startup,
    runs_of_startup,
    sentences_of_startup,
)
from kata.lab.bench.step import StepCost, cost_of_step, runs_of_step
from kata.lab.bench.table import comparisons, print_comparisons
from kata.lab.machine import chosen_device, describe_device, torch_threads, versions
from kata.lab.options import OptionError, file_to_write, writing_to
from kata.train.checked_steps import CheckedSteps
from kata.train.checkpoints import find_checkpoint, read_checkpoint
from kata.train.classifier import EPOCHS, batches_of, cached_classifier
from kata.train.data import load_dataset
from kata.train.metrics import SampleScorer
from kata.train.pipeline import CLASSES, Pipeline
from kata.train.presets import RECIPES
from kata.train.progress import Stages

PARTS = {
    "step": 25.0,
    "sampling": 15.0,
    "solvers": 25.0,
    "samplers": 120.0,
    "memory": 90.0,
    "startup": 60.0,
    "recipes": 0.0,
}
"""What can be measured, and the seconds that it takes on two cores; recipes take their limits."""
LONG = ("samplers", "memory", "startup", "recipes")
"""Measured only if they are asked for."""
LINES = 20
"""Of progress per part, without a terminal."""
BENCH_SCALES = (1.0, 4.0)
IMAGES = 100
"""Drawn to compare Euler's method with Heun's: ten of each class."""


@dataclass(frozen=True)
class BenchRequest:
    """The options of `kata bench`.

    only: a name of PARTS (None: all, those of LONG only if full); device: `cpu` or `cuda`;
    threads: of PyTorch on a CPU (None: its default); repeats: of everything that is timed;
    checkpoint: of the model with which samplers are compared; per_class: samples of each class for
    it; data: the folder of MNIST (None: as in `data_folder`); full: also what takes minutes; limit:
    seconds of training of each recipe and seed; seeds: of which `mnist-small` is trained, AdamW's
    recipe of the first alone; out: the JSON file.
    """

    only: str | None = None
    device: str = "cpu"
    threads: int | None = None
    repeats: int = 7
    checkpoint: str = "digits"
    per_class: int = 20
    data: Path | None = None
    full: bool = False
    limit: float = 900.0
    seeds: int = 1
    out: Path | None = None


def run_bench(request: BenchRequest, console: Console) -> dict[str, Any]:
    """Measure, print the table, write the JSON. Return what is written there.

    After Ctrl-C it is what was measured so far, and its `interrupted` is true. console: where
    progress and the table go. Raise CountError if a sampler evaluates a wrong number of samples,
    and a KataError for everything else that goes wrong.
    """
    if request.only is not None and request.only not in PARTS:
        raise OptionError(f"--only {request.only}: say one of {', '.join(PARTS)}.")
    out = file_to_write(request.out, "--json", ".json")
    device = chosen_device(request.device)
    if device.type not in ("cpu", "cuda"):
        raise OptionError(f"--device {request.device}: the bench measures on cpu or cuda.")
    seconds = dict(PARTS, recipes=(1 + request.seeds) * request.limit)
    names = [request.only] if request.only else [n for n in PARTS if n not in LONG or request.full]
    if "memory" in names and not can_tell_memory():
        raise OptionError(
            "This system does not tell a program's memory: choose a part with --only."
        )
    before, interrupted = load(), False
    with (
        torch_threads(request.threads),
        Stages(console, {name: seconds[name] for name in names}, LINES) as stages,
    ):
        threads = torch.get_num_threads()
        bench = _Bench(request, device, stages)
        try:
            for name in names:
                bench.found[name] = getattr(bench, name)()
        except KeyboardInterrupt:
            interrupted = True
    loads, found = (before, load()), bench.found
    rows = comparisons(found)
    below = [*_of_load(loads), *sentences_of_recipes(found.get("recipes", {}))]
    below += sentences_of_startup(found.get("startup", []))
    if "memory" in found:
        below.append(MEMORY_NOTE)
    if not request.only and not request.full:
        below.append(
            f"Not measured: {', '.join(LONG)}; each has `kata bench --only PART`, all have --full. The last "
            f"trains two recipes to a held-out loss, each for at most {request.limit:.0f} s (--limit)."
        )
    if "samplers" in found:
        print_samplers(found["samplers"], console)
    print_comparisons(rows, _title(device, threads, request.repeats), below, console)
    facts = {
        "device": describe_device(device),
        "threads": threads,
        "load": {"before": loads[0], "after": loads[1]},
        "versions": versions(),
        "interrupted": interrupted,
        "prices": [asdict(row) for row in rows],
        **{name: _plain(name, part) for name, part in found.items()},
    }
    if out is not None:
        with writing_to(out, "--json", "file"):
            write_atomic(out, json.dumps(facts, indent=2) + "\n")
    return facts


class _Bench:
    """The parts, one method per name of PARTS, on the solutions of the steps.

    found: what was measured, by part.
    """

    def __init__(self, request: BenchRequest, device: torch.device, stages: Stages) -> None:
        self.request, self.device, self.stages = request, device, stages
        self.steps = Implementation("solutions", assembled=True)
        self.found: dict[str, Any] = {}

    def step(self) -> list[StepCost]:
        """Measure a training step of the document's model: in fp32, on a GPU in bf16 as well."""
        precisions = ("fp32", "bf16") if self.device.type == "cuda" else ("fp32",)
        total = len(precisions) * runs_of_step(self.device, self.request.repeats)
        with self.stages.stage("step", total) as stage:
            return [
                cost_of_step(
                    self._of(5, "ConditionalDiT"),
                    self._of(6, "flow_matching_loss"),
                    self.device,
                    precision,
                    repeats=self.request.repeats,
                    on_run=stage.advance,
                )
                for precision in precisions
            ]

    def sampling(self) -> Any:
        """Measure guided sampling of the document's model."""
        total = runs_of_sampling(len(BENCH_SCALES), self.request.repeats)
        with self.stages.stage("sampling", total) as stage:
            return cost_of_sampling(
                self._of(5, "ConditionalDiT"),
                self._of(7, "sample_conditional"),
                self.device,
                scales=BENCH_SCALES,
                repeats=self.request.repeats,
                on_run=stage.advance,
            )

    def solvers(self) -> list[SolverCost]:
        """Compare Euler's method and Heun's on a trained model; a classifier reads the images."""
        checkpoint = read_checkpoint(find_checkpoint(self.request.checkpoint))
        model = checkpoint.build(self._of(5, "ConditionalDiT")).to(self.device)
        data = load_dataset(checkpoint.dataset, self.request.data)
        batches = batches_of(data, EPOCHS[data.name])
        total = batches + len(BENCH_SCALES) * most_solver_runs() * (walk := batches // 20)
        threads = self.request.threads or RECIPES[checkpoint.dataset].threads
        with self.stages.stage("solvers", total) as stage, torch_threads(threads):
            classifier = cached_classifier(data, lambda loss: stage.advance()).to(self.device)
            generator = torch.Generator().manual_seed(0)
            noise = torch.randn(IMAGES, *checkpoint.image_shape, generator=generator)
            return [
                cost_of_solvers(
                    model,
                    self._of(3, "guided_velocity"),
                    classifier,
                    noise.to(self.device),
                    torch.arange(IMAGES, device=self.device) % CLASSES,
                    scale,
                    on_run=lambda: stage.advance(walk),
                )
                for scale in BENCH_SCALES
            ]

    def samplers(self) -> list[SamplerScores]:
        """Compare samplers on a trained model; a classifier reads what they draw."""
        checkpoint = read_checkpoint(find_checkpoint(self.request.checkpoint))
        data = load_dataset(checkpoint.dataset, self.request.data)
        steps = CheckedSteps("solutions", io.StringIO())
        pipeline = Pipeline.from_checkpoint(steps, checkpoint, self.device, CANDIDATES[0], 0)
        per_class = self.request.per_class
        threads = self.request.threads or RECIPES[checkpoint.dataset].threads
        total = evaluations_of_samplers(per_class)
        with self.stages.stage("samplers", total) as stage, torch_threads(threads):
            scorer = SampleScorer(data, cached_classifier(data), per_class)
            found: list[SamplerScores] = []
            self.found["samplers"] = found
            for scores in compare_samplers(pipeline, scorer, per_class, on_evaluated=stage.advance):
                found.append(scores)  # not as a comprehension: after Ctrl-C some are there
            return found

    def memory(self) -> list[PeakMemory]:
        """Measure the peak memory of the tool's programs."""
        with self.stages.stage("memory", RUNS_OF_MEMORY) as stage:
            return peaks_of_memory(find_root(), self.request.data, stage.advance)

    def startup(self) -> list[StartUp]:
        """Measure how long the commands take to start."""
        repeats = self.request.repeats
        with self.stages.stage("startup", runs_of_startup(repeats)) as stage:
            return cost_of_startup(find_root(), repeats, stage.advance)

    def recipes(self) -> dict[str, list[RecipeProgress]]:
        """Train both recipes to the target in turns, then further seeds of the first alone.

        A run is found from its first turn on.
        """
        data = load_dataset("mnist", self.request.data)
        both = recipes()
        first = next(iter(both))
        seeds = [both, *[{first: both[first]}] * (self.request.seeds - 1)]
        found: dict[str, list[RecipeProgress]] = {name: [] for name in both}
        self.found["recipes"] = found
        total = sum(preset.steps for presets in seeds for preset in presets.values())
        told: Counter[tuple[str, int]] = Counter()
        with self.stages.stage("recipes", total) as stage:

            def on_turn(name: str, run: RecipeProgress) -> None:
                if run not in found[name]:
                    found[name].append(run)
                steps = both[name].steps if run.ended else run.steps
                note = f"{name}, seed {run.seed}, {run.seconds:.0f} s: {run.loss:.4f}"
                stage.advance(steps - told[name, run.seed], note)
                told[name, run.seed] = steps

            for seed, presets in enumerate(seeds):
                time_to_loss(
                    presets,
                    self._of(5, "ConditionalDiT"),
                    self._of(6, "flow_matching_loss"),
                    data,
                    self.device,
                    self.request.limit,
                    seed=seed,
                    on_turn=on_turn,
                )
        return found

    def _of(self, number: int, name: str) -> Any:
        return getattr(self.steps.module(step_by_number(number)), name)


def _title(device: torch.device, threads: int, repeats: int) -> str:
    plural = "s" if threads > 1 else ""
    where = describe_device(device) + (
        f", {threads} thread{plural}" if device.type == "cpu" else ""
    )
    return f"{where}; times are medians of {repeats}, in turn"


def _of_load(loads: tuple[float | None, float | None]) -> list[str]:
    if None in loads:
        return []
    return ["Load of the machine, mean of a minute: {:.1f} before, {:.1f} after.".format(*loads)]


def _plain(name: str, part: Any) -> Any:
    """Return a part as JSON knows it."""
    return facts_of_recipes(part) if name == "recipes" else [asdict(one) for one in part]
