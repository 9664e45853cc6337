"""`kata bench`: what is counted must be right, and what is compared must be the same work."""

import io
import json
from dataclasses import asdict, replace
from functools import partial

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import nn
from typer.testing import CliRunner

from kata.cli import app
from kata.course.files import find_root
from kata.course.loader import Implementation
from kata.course.steps import step_by_number
from kata.lab.bench import memory, startup
from kata.lab.bench import run as bench
from kata.lab.bench.memory import PeakMemory, can_tell_memory, largest_process
from kata.lab.bench.recipes import (
    Look,
    RecipeProgress,
    facts_of_recipes,
    recipes,
    sentences_of_recipes,
    time_to_loss,
)
from kata.lab.bench.run import PARTS, BenchRequest, run_bench
from kata.lab.bench.samplers import (
    CANDIDATES,
    SamplerScores,
    compare_samplers,
    evaluations_of_samplers,
    print_samplers,
)
from kata.lab.bench.sampling import (
    CountError,
    SolverCost,
    SolverRun,
    cost_of_sampling,
    cost_of_solvers,
    most_solver_runs,
    runs_of_sampling,
    two_passes,
)
from kata.lab.bench.startup import ProgramError, StartUp, imports_of, run_python
from kata.lab.bench.step import cost_of_step, decoder, flop_of_step, with_attention_weights
from kata.lab.bench.table import comparisons
from kata.lab.bench.timing import in_turn, peak, products, runs
from kata.lab.options import OptionError
from kata.testing.models import LabelField, redraw_zeros
from kata.train.checked_steps import CheckedSteps
from kata.train.checkpoints import write_checkpoint
from kata.train.data import Dataset
from kata.train.metrics import SampleScorer
from kata.train.pipeline import DEFAULT_SAMPLING, LESSON_SAMPLING, Pipeline, Sampling
from kata.train.presets import PRESETS, ModelSize

CPU = torch.device("cpu")
TINY = ModelSize(img_size=8, patch_size=4, embed_dim=16, depth=2, num_heads=2)
SHAPE = (1, 4, 4)


def solution(number, name):
    """A public name of a step, from the solutions."""
    return getattr(Implementation("solutions", assembled=True).module(step_by_number(number)), name)


def tiny():
    """A small ConditionalDiT whose zeros were redrawn."""
    torch.manual_seed(0)
    model = solution(5, "ConditionalDiT")(**asdict(TINY))
    redraw_zeros(model)
    return model


@pytest.fixture
def data():
    """Forty 8x8 images to train on and twenty held out."""
    labels = torch.arange(60) % 10
    images = torch.rand(60, 1, 8, 8) * 2 - 1
    return Dataset("digits", images[:40], labels[:40], images[40:], labels[40:])


def test_what_is_compared_runs_in_turn():
    """One round to warm up, which is not told, then A and B one after the other."""
    order, told = [], []
    tasks = {name: partial(order.append, name) for name in "AB"}
    seconds = in_turn(tasks, 3, CPU, lambda: told.append(1))
    assert "".join(order) == "ABABABAB"
    assert {name: len(times) for name, times in seconds.items()} == {"A": 3, "B": 3}
    assert len(told) == runs(2, 3)


def test_the_peak_is_the_best_of_all_products():
    """2 n^3 in the least time, whichever the size; the products are of the sizes asked for."""
    assert peak({"10": [4e-6, 2e-6], "20": [1e-5]}) == pytest.approx(2 * 20**3 / 1e-5)
    assert peak({"10": [4e-6, 1e-6], "20": [1e-4]}) == pytest.approx(2 * 10**3 / 1e-6)
    made = products((3, 5), CPU, torch.float32)
    assert [tuple(task().shape) for task in made.values()] == [(3, 3), (5, 5)]


def test_plain_attention_does_the_same_work_and_returns_its_weights():
    """The same velocity from as many parameters; every layer hands out one weight for each pair
    of tokens.
    """
    model = tiny()
    plain = with_attention_weights(model)
    weights = []
    for block in plain.blocks:
        block.attention.layer.register_forward_hook(lambda *call: weights.append(call[-1][1]))
    x, t, y = torch.randn(3, 1, 8, 8), torch.rand(3), torch.tensor([0, 5, 10])
    assert torch.allclose(plain(x, t, y), model(x, t, y), atol=1e-5)
    assert [w.shape for w in weights] == [(3, 4, 4)] * 2
    assert sum(p.numel() for p in plain.parameters()) == sum(p.numel() for p in model.parameters())
    assert not set(plain.parameters()) & set(model.parameters())


def test_decoded_images_are_the_resident_ones():
    """Byte 0 is -1 and byte 255 is 1, in the order of the indices."""
    pixels = np.random.default_rng(0).integers(0, 256, (5, 4, 6), dtype=np.uint8)
    chosen = torch.tensor([3, 0, 3])
    expected = torch.from_numpy(pixels)[chosen][:, None] / 127.5 - 1
    assert torch.allclose(decoder(pixels)(chosen), expected, atol=1e-6)


@pytest.mark.parametrize("scale", [-1.0, 0.0, 1.0, 1.5, 4.0])
def test_two_passes_give_what_the_sampler_gives(scale):
    """The same samples at every scale, always for 2B samples evaluated a step."""
    model = LabelField(10, 1, torch.float64)
    noise, labels = torch.randn(6, *SHAPE, dtype=torch.float64), torch.arange(6)
    plain = two_passes(model, noise, labels, 3, scale, 10)
    assert model.evaluated == 2 * 6 * 3
    sampler = solution(7, "sample_conditional")
    drawn = sampler(model, labels, SHAPE, num_steps=3, cfg_scale=scale, noise=noise)
    assert torch.allclose(plain, drawn)


def test_guidance_costs_one_pass_at_0_and_1_and_two_at_any_other_scale():
    """Counted in samples evaluated, an image and a step."""
    told = []
    costs = cost_of_sampling(
        lambda: LabelField(10, 1),
        solution(7, "sample_conditional"),
        CPU,
        SHAPE,
        scales=(0.0, 1.0, 1.5, 4.0),
        batch_size=3,
        num_steps=2,
        repeats=1,
        on_run=lambda: told.append(1),
    )
    assert [cost.evaluated for cost in costs] == [1, 1, 2, 2]
    assert [cost.evaluated_by_two_passes for cost in costs] == [2] * 4
    assert len(told) == runs_of_sampling(4, 1)


@pytest.mark.parametrize(("shown_scale", "spent_as"), [(1.0, 4.0), (0.0, 4.0), (4.0, 1.0)])
def test_a_wrong_count_is_refused(shown_scale, spent_as):
    """Two passes where one does, and one where two are needed."""
    sampler = solution(7, "sample_conditional")

    def wrong(*arguments, cfg_scale, **named):
        return sampler(*arguments, cfg_scale=spent_as, **named)

    with pytest.raises(CountError, match=f"w = {shown_scale:g}"):
        cost_of_sampling(
            lambda: LabelField(10, 1), wrong, CPU, SHAPE, (shown_scale,), 3, 2, repeats=1
        )


def test_the_documents_model_costs_1479_mflop_an_image():
    """Forward and backward, whatever the batch."""
    model, loss = solution(5, "ConditionalDiT")(), solution(6, "flow_matching_loss")
    assert sum(p.numel() for p in model.parameters()) == 12_363_024
    for batch in (1, 2):
        flop = flop_of_step(model, loss, torch.zeros(batch, 1, 28, 28), torch.arange(batch))
        assert round(flop / batch / 1e6) == 1479
    assert all(p.grad is None for p in model.parameters())


def test_a_step_is_told_as_a_share_of_the_peak():
    """The model's FLOP by the median second, by the peak; plain and fast steps are as many."""
    cost = cost_of_step(
        tiny, solution(6, "flow_matching_loss"), CPU, batch_size=4, repeats=3, sizes=(16, 32)
    )
    assert (len(cost.step), len(cost.plain)) == (3, 3)
    assert cost.share == pytest.approx(cost.flop / sorted(cost.step)[1] / cost.peak)
    assert cost.parameters == sum(p.numel() for p in tiny().parameters())


@pytest.mark.parametrize("scale", [1.0, 4.0])
def test_heun_needs_fewer_evaluations_on_a_smooth_field(scale):
    """Euler's distance falls by half with twice the steps; Heun is as near for less than half;
    all are counted.
    """
    passes = 1 if scale == 1 else 2
    noise, labels = torch.randn(20, *SHAPE, dtype=torch.float64), torch.arange(20) % 10
    told = []
    field = LabelField(10, 1, torch.float64)
    field.table.data *= 0.2
    cost = cost_of_solvers(
        field,
        solution(3, "guided_velocity"),
        lambda images: images.flatten(1),
        noise,
        labels,
        scale,
        euler_steps=(25, 50),
        on_run=lambda: told.append(1),
    )
    assert [run.evaluated for run in cost.euler] == [25 * passes, 50 * passes]
    assert cost.euler[0].distance / cost.euler[1].distance == pytest.approx(2, rel=0.15)
    assert [run.evaluated for run in cost.heun] == [
        2 * passes * (n + 1) for n in range(len(cost.heun))
    ]
    assert cost.equal is cost.heun[-1]
    assert cost.equal.distance <= cost.asked.distance
    assert all(run.distance > cost.asked.distance for run in cost.heun[:-1])
    assert cost.equal.evaluated < cost.asked.evaluated / 2
    assert len(told) <= most_solver_runs()


def test_where_heun_is_never_as_near_the_table_says_so():
    """No ratio is made up."""
    run = SolverRun("euler", 50, 50, 0.01, 1.0)
    (line,) = comparisons({"solvers": [SolverCost(1.0, [run], [], run, None)]})
    assert (line.this, line.other, line.ratio) == ("never", "50 steps", None)


def test_the_recipe_beside_the_preset_is_that_of_adamw_alone():
    """One data set; the other one trains every parameter by AdamW."""
    small, adamw = recipes().values()
    assert small is PRESETS["mnist-small"]
    assert adamw.dataset == small.dataset
    assert adamw.muon_lr is None
    assert not adamw.by_trainer


def race(data, steps, limit, target, turn=0.01):
    """Two recipes of a tiny model, side by side; how often they had a turn, too."""
    small = replace(PRESETS["digits"], model=TINY, steps=steps, batch_size=8)
    turns = []
    found = time_to_loss(
        {"one": small, "two": replace(small, lr=1e-4, warmup=None, ema=None)},
        solution(5, "ConditionalDiT"),
        solution(6, "flow_matching_loss"),
        data,
        CPU,
        limit,
        target,
        turn,
        on_turn=lambda name, run: turns.append(name),
    )
    return found, turns


def test_a_recipe_ends_at_its_target_its_last_step_or_its_limit(data, monkeypatch):
    """What it did not reach is not told as reached; the recipes take turns, here of a tenth of a
    second each.
    """
    monkeypatch.setattr("kata.lab.bench.recipes.seconds_of", lambda task, device: task() or 0.1)
    reached, turns = race(data, 10_000, 10.0, target=100.0)
    assert turns == ["one", "two"]
    assert all(run.reached and run.seconds == 0.1 for run in reached.values())
    short, _ = race(data, 1, 10.0, target=0.0)
    assert [(run.steps, run.ended) for run in short.values()] == [(1, "schedule")] * 2
    assert [run.samples for run in short.values()] == [8, 8]
    late, turns = race(data, 1_000_000, 0.25, target=0.0)
    assert turns == ["one", "two"] * 3
    assert all(run.ended == "limit" and len(run.looks) == 3 for run in late.values())


def test_the_claim_is_measured_on_all_held_out_images(data, monkeypatch):
    """Far from the target some images do, near it and at it all are taken."""
    monkeypatch.setattr("kata.lab.bench.recipes.HELD_OUT_IMAGES", 10)
    near, _ = race(data, 10_000, 10.0, target=100.0)
    assert [look.images for run in near.values() for look in run.looks] == [20, 20]
    far, _ = race(data, 3, 10.0, target=0.0)
    assert {look.images for run in far.values() for look in run.looks} == {10}


def test_flop_are_those_of_forward_and_backward_of_all_samples(data):
    """Three steps of eight samples cost what a batch of 24 does."""
    found, _ = race(data, 3, 10.0, target=0.0)
    make, loss = tiny, solution(6, "flow_matching_loss")
    flop = flop_of_step(make(), loss, data.images[:24], data.labels[:24])
    assert found["one"].pflop == pytest.approx(flop / 1e15)


def progress(steps, loss, ended, seed=0, load=2.0):
    """A run of a recipe with batches of 10, a tenth of a second per step and 10^9 FLOP per
    sample.
    """
    look = Look(steps / 10, steps, loss, 10_000, load)
    return RecipeProgress(seed, 10, 10**9, steps / 10, steps, [look], ended)


def test_the_table_has_the_mean_of_all_seeds_beside_one_of_adamw():
    """Seconds, samples and PFLOP with their ratios; then every seed with its load."""
    runs = {
        "mnist-small": [progress(1000, 0.177, "target"), progress(2000, 0.1774, "target", 1)],
        "adamw": [progress(3000, 0.1772, "target")],
    }
    rows = {row.what.strip(): row for row in comparisons({"recipes": runs})}
    first = rows["mnist-small to a mix of 0.1774; beside AdamW"]
    assert (first.this, first.other, first.ratio) == ("150 s", "300 s", 0.5)
    pflop = rows["PFLOP, forward and backward"]
    assert rows["seed 1: seconds"].this == "200 s"
    assert rows["seed 1: seconds"].other == ""
    assert (pflop.this, pflop.other) == ("0.0150", "0.0300")
    assert (rows["load of the machine"].this, rows["load of the machine"].other) == ("2.0", "")
    assert facts_of_recipes(runs)["mnist-small"]["mean"] == {
        "seconds": 150,
        "samples": 15_000,
        "pflop": pytest.approx(0.015),
    }
    assert sentences_of_recipes(runs) == []


@pytest.mark.parametrize(
    ("ended", "why"),
    [
        ("schedule", "came to the end of its schedule"),
        ("limit", "came to its limit (--limit)"),
        ("", "was interrupted"),
    ],
)
def test_a_target_that_was_not_reached_is_one_sentence_and_has_no_ratio(ended, why):
    """Both must have been there for one."""
    runs = {"mnist-small": [progress(1000, 0.17, "target")], "adamw": [progress(9000, 0.2, ended)]}
    first = comparisons({"recipes": runs})[0]
    assert (first.this, first.other, first.ratio) == ("100 s", "not reached", None)
    (sentence,) = sentences_of_recipes(runs)
    assert sentence.startswith(f"adamw, seed 0, {why} after 9,000 steps and 900 s, before")
    assert facts_of_recipes(runs)["adamw"]["mean"] is None
    some = {**runs, "mnist-small": [*runs["mnist-small"], progress(900, 0.2, ended, 1)]}
    assert comparisons({"recipes": some})[0].this == "not reached"


HEUN = Sampling("heun", 1, (0.2, 0.8))


class FlatClassifier(nn.Module):
    """Reads the place of the brightest pixel; its features are the pixels."""

    features = nn.Flatten()

    def forward(self, x):
        return x.flatten(1)[:, :10]


def test_samplers_are_compared_from_one_noise(data):
    """Beside the first, which is no distance away; evaluations are those of `Sampling.cost`."""
    told = []
    steps = CheckedSteps("solutions", io.StringIO())
    pipeline = Pipeline(steps, tiny(), (1, 8, 8), Sampling(), 0)
    candidates = [Sampling("euler", 3), Sampling("euler", 3), HEUN]
    scorer = SampleScorer(data, FlatClassifier(), 2)
    found = list(compare_samplers(pipeline, scorer, 2, (1.0, 4.0), candidates, told.append))
    assert [scores.scale for scores in found] == [1.0] * 3 + [4.0] * 3
    assert [scores.evaluated for scores in found] == [3, 3, 2, 6, 6, HEUN.cost(4.0)]
    assert sum(told) == evaluations_of_samplers(2, (1.0, 4.0), candidates)
    first, same, other = found[3:]
    assert (first.distance, same.distance) == (0, 0)
    assert (first.frechet, first.spread) == (same.frechet, same.spread)
    assert other.distance > 0
    assert (other.frechet, other.spread) != (first.frechet, first.spread)


def test_the_first_of_the_candidates_is_the_lessons_sampler():
    """With it all others are compared; the default of `kata generate` is among them."""
    assert CANDIDATES[0] == LESSON_SAMPLING
    assert DEFAULT_SAMPLING in CANDIDATES


def test_the_table_of_samplers_is_markdown():
    """One row per sampler, the dearest first, in at most 80 columns."""
    out = io.StringIO()
    rows = [
        SamplerScores(4.0, HEUN, 4.0, 1.0, 0.1, 3.0, 0.2),
        SamplerScores(4.0, LESSON_SAMPLING, 100.0, 0.995, 0.11, 2.5, 0.0),
    ]
    print_samplers(rows, Console(file=out, width=80))
    lines = [line for line in out.getvalue().splitlines() if line.strip()]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert ["4", "50 Euler", "always", "100", "99.5%", "0.110", "2.50", "0.000"] in cells
    assert cells[-1][1:4] == ["1 Heun", "0.2-0.8", "4"]
    assert max(map(len, lines)) <= 80


def test_memory_is_that_of_the_largest_process(tmp_path):
    """Of a program's child that fills 200 MiB, and not of the sum; one that fails is named."""
    if not can_tell_memory():
        pytest.fail("this system does not tell a program's memory: leave this test out there")
    fill = (
        "import subprocess, sys; subprocess.run([sys.executable, '-c', 'x = b\"1\" * (200 << 20)'])"
    )
    assert 200 <= largest_process(("-c", fill), tmp_path) < 260
    assert largest_process(("-c", "pass"), tmp_path) < 60
    with pytest.raises(ProgramError, match="a program of the bench` ended with 3"):
        largest_process(("-c", "raise SystemExit(3)"), tmp_path)


def test_the_memory_of_each_program_stands_beside_torch(tmp_path, monkeypatch):
    """Each runs once, in the folder of the course, and MNIST comes from the folder named."""
    asked, counted = [], []

    def largest(arguments, folder):
        asked.append((" ".join(arguments), folder))
        return float(len(asked))

    monkeypatch.setattr(memory, "largest_process", largest)
    found = memory.peaks_of_memory(find_root(), tmp_path, lambda: counted.append(1))
    assert [(one.mib, one.torch) for one in found] == [
        (2.0, 1.0),
        (3.0, 1.0),
        (4.0, 1.0),
        (5.0, 1.0),
    ]
    assert len(counted) == len(asked) == memory.RUNS_OF_MEMORY
    assert {folder for _, folder in asked} == {find_root()}
    assert f"train mnist-small --steps 3 --data {tmp_path.resolve()} --out" in asked[2][0]
    memory.peaks_of_memory(find_root(), None)
    assert "--data" not in asked[-3][0]


def test_where_memory_is_not_told_another_part_is_asked_for(monkeypatch):
    """Before anything is measured."""
    monkeypatch.setattr(bench, "can_tell_memory", lambda: False)
    with pytest.raises(OptionError, match="does not tell a program's memory"):
        run_bench(BenchRequest(only="memory"), Console(file=io.StringIO()))


def test_a_command_is_started_beside_torch(tmp_path, monkeypatch):
    """In turn; what it imports is listed once more."""
    monkeypatch.setattr(startup, "TORCH", ("-c", "pass"))
    monkeypatch.setattr(startup, "STARTED", {"little": ("-c", "import pytest")})
    counted = []
    (found,) = startup.cost_of_startup(tmp_path, 2, lambda: counted.append(1))
    assert found.command == "little"
    assert len(found.seconds) == len(found.torch) == 2
    assert min(found.seconds + found.torch) > 0
    assert found.imported["pytest"] > 0
    assert len(counted) == startup.runs_of_startup(2)


def test_a_load_that_is_not_known_is_not_told():
    """Some systems have none."""
    assert bench._of_load((None, 1.0)) == []
    assert "1.0 before, 2.0 after" in bench._of_load((1.0, 2.0))[0]


def test_imports_are_told_by_package_without_the_standard_library():
    """Each module's own time, summed by package, the longest first."""
    written = (
        "import time: self [us] | cumulative | imported package\n"
        "import time:       300 |        900 |   rich.table\n"
        "import time:       400 |        400 | json\n"
        "import time:       700 |       1000 | rich\n"
        "import time:       500 |        500 | typer.main\n"
        "a warning | with | bars\n"
    )
    assert imports_of(written) == {"rich": 0.001, "typer": 0.0005}


def test_a_program_that_does_not_start_is_one_sentence(tmp_path):
    """With its exit code, and what to do."""
    with pytest.raises(ProgramError, match="ended with 1: run it alone"):
        run_python(("-m", "nothing_of_that_name"), tmp_path)


@pytest.fixture
def small_parts(monkeypatch, tmp_path, data):
    """All parts, in small; returns the name of a checkpoint."""
    small = {"mnist-small": replace(PRESETS["digits"], model=TINY, steps=2, batch_size=8)}
    small["adamw"] = replace(small["mnist-small"], lr=1e-4)
    for name, smaller in {
        "cost_of_step": lambda make, *rest, **named: cost_of_step(
            tiny, *rest, **named, batch_size=2, sizes=(16,)
        ),
        "cost_of_sampling": partial(cost_of_sampling, batch_size=1, num_steps=1),
        "cost_of_solvers": partial(cost_of_solvers, euler_steps=(1, 2), asked=2, fine=3),
        "recipes": lambda: small,
        "load_dataset": lambda name, folder: data,
        "batches_of": lambda data, epochs: 20,
        "cached_classifier": lambda *_: FlatClassifier(),
        "compare_samplers": partial(compare_samplers, candidates=[Sampling("euler", 2), HEUN]),
        "evaluations_of_samplers": lambda _: 1,
        "peaks_of_memory": lambda *_: [PeakMemory("kata demo", 900.0, 450.0)],
        "cost_of_startup": lambda *_: [StartUp("kata", [1.0], [2.0], {"rich": 0.25})],
    }.items():
        monkeypatch.setattr(bench, name, smaller)
    folder = tmp_path / "weights"
    facts = {"dataset": "digits", "model": asdict(TINY)}
    write_checkpoint(folder, {"model": tiny().state_dict()}, facts)
    return str(folder)


def test_the_whole_bench_is_one_table_and_one_file(small_parts, tmp_path):
    """Every part has its lines in at most 80 columns, and its figures in the JSON."""
    out = io.StringIO()
    request = BenchRequest(
        checkpoint=small_parts,
        full=True,
        repeats=1,
        limit=5,
        seeds=2,
        per_class=2,
        out=tmp_path / "bench.json",
    )
    run_bench(request, Console(file=out, width=80))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    for words in (
        "training step, fp32",
        "w = 1; beside two passes",
        "Heun at w = 4",
        "held-out mix",
        "load",
    ):
        assert any(words in line for line in lines)
    facts = json.loads((tmp_path / "bench.json").read_text())
    assert facts["step"][0]["batch_size"] == 2
    assert [cost["evaluated"] for cost in facts["sampling"]] == [1, 2]
    assert [cost["scale"] for cost in facts["solvers"]] == [1, 4]
    runs = {name: recipe["runs"] for name, recipe in facts["recipes"].items()}
    assert [run["seed"] for run in runs["mnist-small"]] == [0, 1]
    assert [(run["seed"], run["steps"], run["ended"]) for run in runs["adamw"]] == [
        (0, 2, "schedule")
    ]
    assert set(facts["load"]) == {"before", "after"}
    assert facts["interrupted"] is False
    assert len(facts["prices"]) > 10
    assert not list(tmp_path.glob(".*.part"))


def test_ctrl_c_keeps_what_was_measured(small_parts, tmp_path, monkeypatch):
    """The seeds before it are in the file, and the command says where; exit code 2."""

    def interrupted(presets, *rest, seed, **named):
        if seed == 1:
            raise KeyboardInterrupt
        return time_to_loss(presets, *rest, seed=seed, **named)

    monkeypatch.setattr(bench, "time_to_loss", interrupted)
    out = tmp_path / "bench.json"
    arguments = ["bench", "--only", "recipes", "--seeds", "3", "--json", str(out)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert "Stopped by Ctrl-C; what was measured until then is above and in" in result.stderr
    facts = json.loads(out.read_text())
    assert facts["interrupted"] is True
    assert [run["seed"] for run in facts["recipes"]["mnist-small"]["runs"]] == [0]


def test_ctrl_c_keeps_the_samplers_so_far(small_parts, monkeypatch):
    """Two scores, then Ctrl-C: there are two rows."""

    def interrupted(*_, **__):
        yield from [SamplerScores(4.0, HEUN, 4.0, 1.0, 0.1, 3.0, 0.2)] * 2
        raise KeyboardInterrupt

    monkeypatch.setattr(bench, "compare_samplers", interrupted)
    request = BenchRequest("samplers", checkpoint=small_parts, per_class=2)
    facts = run_bench(request, Console(file=io.StringIO(), width=80))
    assert facts["interrupted"] is True
    assert len(facts["samplers"]) == 2


def test_ctrl_c_at_once_leaves_an_empty_table(small_parts, monkeypatch):
    """Nothing was measured, and nothing is made up."""

    def at_once(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(bench, "time_to_loss", at_once)
    facts = run_bench(BenchRequest("recipes"), Console(file=io.StringIO()))
    assert facts["recipes"]["adamw"] == {"mean": None, "runs": []}
    assert facts["prices"][0]["this"] == "not reached"


def test_what_was_not_measured_is_said(small_parts):
    """Without --full no recipe is trained, and the bench says how to."""
    out = io.StringIO()
    facts = run_bench(BenchRequest(checkpoint=small_parts, repeats=1), Console(file=out, width=80))
    assert "recipes" not in facts
    assert "memory, startup, recipes; each has `kata bench --only PART`" in " ".join(
        out.getvalue().split()
    )
    out = io.StringIO()
    run_bench(BenchRequest("step", repeats=1), Console(file=out, width=80))
    assert "Not measured" not in out.getvalue()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--only", "speed"], 2, ", ".join(PARTS)),
        (["--json", "no/such/folder/x.json"], 2, "a folder that exists"),
        (["--device", "abacus"], 2, "--device abacus"),
        (["--device", "meta"], 2, "--device meta: this machine"),
        (["--only", "solvers", "--checkpoint", "nowhere"], 2, "nowhere"),
    ],
)
def test_bad_input_is_one_sentence(arguments, code, words):
    """Exit code 2 and what to do, before anything is measured."""
    result = CliRunner().invoke(app, ["bench", *arguments])
    assert result.exit_code == code
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_a_wrong_count_ends_with_1(monkeypatch):
    """The only thing that the bench holds to be right or wrong."""

    def wrong(*_, **__):
        raise CountError("Sampling at w = 1 evaluated 2 samples an image a step")

    monkeypatch.setattr(bench, "cost_of_sampling", wrong)
    result = CliRunner().invoke(app, ["bench", "--only", "sampling"])
    assert result.exit_code == 1
    assert "evaluated 2 samples" in result.stderr
