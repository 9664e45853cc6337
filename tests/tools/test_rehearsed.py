"""What only a GPU runs, rehearsed without one: on the CPU, and on tensors that are on a GPU but
have no values.
"""

import io
import json
import re
import shutil
import stat
import sys
from dataclasses import asdict, replace

import pytest
import torch
from rich.console import Console
from torch._subclasses.fake_tensor import FakeTensorDeviceMismatchError, FakeTensorMode

from kata.course.files import find_root
from kata.course.loader import Implementation, unload
from kata.course.steps import step_by_number
from kata.lab import machine, speed
from kata.lab.bench import run as bench
from kata.lab.bench import table, timing
from kata.lab.machine import chosen_device, describe_device, gpu_driver, own_device
from kata.lab.options import OptionError
from kata.lab.speed import TrainingSpeed, speed_of
from kata.lab.train import TrainRequest, run_training
from kata.train import gpu, presets
from kata.train.captured import WARM_UP, sent, share_of_update
from kata.train.classifier import Classifier
from kata.train.data import Dataset
from kata.train.loop import ProcessGroup, Training, joined_group, reduced_precision
from kata.train.metrics import features, labels_read, nearest_distances
from kata.train.optimizers import Optimizers
from kata.train.presets import PRESETS, ModelSize
from kata.train.samplers import guided, heun

from .rehearsal import NoReads, play_a_gpu

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
SMALL = replace(
    PRESETS["digits"],
    model=ModelSize(img_size=8, patch_size=4, embed_dim=16, depth=1, num_heads=2),
    batch_size=16,
    steps=12,
    warmup=4,
    muon_lr=0.02,
)


def solution(number, name):
    return getattr(Implementation("solutions", assembled=True).module(step_by_number(number)), name)


@pytest.fixture
def data():
    """Forty 8x8 images to train on and twenty held out."""
    labels = torch.arange(60) % 10
    images = torch.rand(60, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return Dataset("digits", images[:40], labels[:40], images[40:], labels[40:])


@pytest.fixture
def a_gpu(monkeypatch):
    play_a_gpu(monkeypatch)


def trained(data, loss=None, steps=12):
    """A training after some steps, and its losses."""
    loss = loss or solution(6, "flow_matching_loss")
    training = Training(SMALL, solution(5, "ConditionalDiT"), loss, data, 3, CPU)
    return training, [float(training.advance()) for _ in range(steps)]


def same(one, other):
    """Whether two trainings have the same weights, averages and states, to the last bit."""
    a, b = one.parts(), other.parts()
    return all(torch.equal(a[part][name], b[part][name]) for part in a for name in a[part])


def test_a_recorded_step_repeated_makes_the_same_run(data, monkeypatch):
    """Batches, learning rates and draws are those of a run without a graph; the loss's own code is
    called until it is recorded, and never again.
    """
    plain, expected = trained(data)
    calls = []
    loss = solution(6, "flow_matching_loss")
    play_a_gpu(monkeypatch)
    captured, found = trained(data, lambda *a, **k: calls.append(1) or loss(*a, **k))
    assert captured.captured.why_not == ""
    assert len(calls) == WARM_UP + 2
    assert found == pytest.approx(expected, rel=1e-4)
    assert plain.captured is None


@pytest.mark.usefixtures("a_gpu")
def test_a_resumed_run_is_recorded_anew(data):
    """It goes on from the state that was put back, not from the one in the graph."""
    whole, expected = trained(data)
    half, _ = trained(data, steps=6)
    parts = {p: {k: v.clone() for k, v in t.items()} for p, t in half.parts().items()}
    half.advance()
    half.restore(parts, 6)
    found = [float(half.advance()) for _ in range(6)]
    assert found == expected[6:]
    assert same(half, whole)


@pytest.mark.usefixtures("a_gpu")
def test_nothing_in_a_step_reads_a_value(data):
    """Neither when it is made kernel by kernel nor when it is repeated."""
    training, _ = trained(data, steps=0)
    with NoReads():
        for _ in range(WARM_UP + 2):
            total = training.advance()
    assert total.isfinite()


@pytest.mark.usefixtures("a_gpu")
def test_code_that_reads_values_goes_on_without_a_graph(data, monkeypatch):
    """One sentence says so, and the run is the same."""
    loss = solution(6, "flow_matching_loss")

    def reading(model, x0, y, **named):
        if not 0 <= int(y.min()) <= int(y.max()) <= 9:
            raise ValueError("labels")
        return loss(model, x0, y, **named)

    whole, expected = trained(data)
    training, found = trained(data, reading)
    assert training.captured.why_not == (
        "The step is not repeated as one graph (called a synchronizing operation): "
        "it goes on one kernel at a time, which is slower and gives the same."
    )
    assert found == expected
    assert same(training, whole)


@pytest.mark.usefixtures("a_gpu")
def test_a_recording_that_fails_changes_nothing(data, monkeypatch):
    """The generator that it may have spoiled is replaced, and AdamW steps as before."""
    whole, expected = trained(data)

    def failing(work, generator, device):
        generator.manual_seed(99)
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr("kata.train.gpu.recorded", failing)
    training, found = trained(data)
    assert "operation not permitted when stream is capturing" in training.captured.why_not
    assert found == expected
    assert same(training, whole)
    groups = [g for o in training.optimizers._all.values() for g in o.param_groups]
    assert not any(group["capturable"] for group in groups)


@pytest.mark.usefixtures("a_gpu")
def test_in_bfloat16_a_run_is_nearly_the_same(data, monkeypatch):
    """Autocast is on within the recorded step, and the weights stay in float32."""
    _, expected = trained(data)
    monkeypatch.setattr("kata.train.loop.reduced_precision", lambda device: torch.bfloat16)
    training, found = trained(data)
    assert found != expected
    assert found == pytest.approx(expected, rel=0.05)
    assert {p.dtype for p in training.model.parameters()} == {torch.float32}


def test_half_of_an_update_is_the_update_at_half_of_the_rate():
    """By AdamW and by Muon, with weight decay."""
    torch.manual_seed(0)
    one, other = (solution(5, "ConditionalDiT")(**asdict(SMALL.model)) for _ in range(2))
    other.load_state_dict(one.state_dict())
    moving, still = Optimizers(one, SMALL), Optimizers(other, SMALL)
    parameters = list(other.parameters())
    for share in (0.25, 1.0, 0.5):
        for parameter, twin in zip(one.parameters(), parameters, strict=True):
            parameter.grad = torch.randn_like(parameter)
            twin.grad = parameter.grad.clone()
        moving.step(share)
        share_of_update(parameters, lambda: still.step(1.0), torch.tensor(share))
    for name, value in one.state_dict().items():
        assert torch.allclose(other.state_dict()[name], value, rtol=1e-5, atol=1e-6), name


class NoGenerator(torch.Generator):
    """There is no generator of a GPU without its driver: None is the GPU's global one."""

    def __new__(cls, device="cpu"):
        on_gpu = torch.device(device).type in ("cuda", "meta")
        return None if on_gpu else super().__new__(cls, device)


def on_a_gpu(make):
    """A maker of models on a GPU that is not there."""

    def made(**size):
        with CUDA:
            model = make(**size)
        model.to = lambda device: model  # fake parameters cannot be moved
        return model

    return made


@pytest.fixture
def fake(monkeypatch):
    """Tensors without values, on any device."""
    monkeypatch.setattr(torch, "Generator", NoGenerator)
    monkeypatch.setattr(gpu, "pinned", lambda values: values)
    monkeypatch.setattr("kata.train.loop.reduced_precision", lambda device: torch.bfloat16)
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        yield mode


def on_fake_gpu(mode, data):
    """The training of that data on a GPU that is not there."""
    parts = [mode.from_tensor(getattr(data, n)) for n in ("images", "labels")]
    return Training(
        SMALL,
        on_a_gpu(solution(5, "ConditionalDiT")),
        solution(6, "flow_matching_loss"),
        Dataset("digits", *parts, *parts),
        0,
        CUDA,
    )


@pytest.mark.filterwarnings("ignore:Accessing the data pointer of FakeTensor")
@pytest.mark.filterwarnings("ignore:CUDA is not available")
def test_all_tensors_of_a_training_are_on_the_gpu(data, fake):
    """Weights, average, data, order and loss; nothing of the CPU meets them on the way."""
    training = on_fake_gpu(fake, data)
    kept = [*training.model.parameters(), *training.average.parameters()]
    kept += [training.images, training.labels, training._batch()]
    assert {tensor.device.type for tensor in kept} == {"cuda"}
    loss = training._loss(training._batch(), None)
    assert (loss.device.type, loss.shape, loss.requires_grad) == ("cuda", (), True)


@pytest.mark.filterwarnings("ignore:Accessing the data pointer of FakeTensor")
@pytest.mark.filterwarnings("ignore:CUDA is not available")
@pytest.mark.parametrize("left", ["labels", "positions"])
def test_a_tensor_left_on_the_cpu_is_found(data, fake, left):
    """The rehearsal is one that can fail."""
    training = on_fake_gpu(fake, data)
    if left == "labels":
        training.labels = training.labels.cpu()
    else:
        training.model.positions = training.model.positions.cpu()
    with pytest.raises(FakeTensorDeviceMismatchError, match="at least two devices"):
        training._loss(training._batch(), None)


def test_a_whole_step_has_one_device_and_reads_no_value(data, monkeypatch):
    """Backward, clipping, both optimizers and the average, on tensors without values."""
    monkeypatch.setattr(torch, "Generator", NoGenerator)
    loss, meta = solution(6, "flow_matching_loss"), torch.device("meta")
    training = Training(SMALL, solution(5, "ConditionalDiT"), loss, data, 0, meta)
    for _ in range(2):
        total = training._gradients(training._batch(), lambda part: None)
        training.optimizers.step(training._rate())
        training._add_to_average()
        training.step += 1
    assert (total.device.type, total.shape) == ("meta", ())
    assert {t.device.type for t in training.parts()["training"].values() if t.ndim} == {"meta"}


@pytest.mark.filterwarnings("ignore:Accessing the data pointer of FakeTensor")
def test_samples_are_drawn_and_read_on_the_gpu(fake, monkeypatch):
    """The lesson's sampler and the tool's own, the classifier, and what is measured. Questions
    about values, such as whether labels are in range, are answered with no.
    """
    monkeypatch.setattr(torch.Tensor, "__bool__", lambda tensor: False)
    model = on_a_gpu(solution(5, "ConditionalDiT"))(**asdict(SMALL.model)).eval()
    labels = torch.arange(4, device=CUDA)
    noise = torch.randn(4, 1, 8, 8, device=CUDA)
    draw = solution(7, "sample_conditional")
    images = draw(model, labels, (1, 8, 8), num_steps=2, cfg_scale=4.0, noise=noise)
    with CUDA:
        classifier = Classifier().eval()
    velocity = guided(solution(3, "guided_velocity"), model, labels, 4.0, 10, (0.2, 0.8))
    assert heun(velocity, noise, 2).device.type == "cuda"
    for made in (images, labels_read(images, classifier), features(images, classifier)):
        assert made.device.type == "cuda"
    assert nearest_distances(images, images).device.type == "cuda"


@pytest.mark.filterwarnings("ignore:Accessing the data pointer of FakeTensor")
def test_what_is_sent_to_a_gpu_is_pinned_first(fake, monkeypatch):
    """And what goes elsewhere is not."""
    pinned = []
    monkeypatch.setattr(gpu, "pinned", lambda values: pinned.append(values) or values)
    values = torch.arange(3)
    assert sent(values, CUDA).device.type == "cuda"
    assert len(pinned) == 1
    assert sent(values, CPU).device == CPU
    assert len(pinned) == 1


@pytest.mark.parametrize(
    ("device", "supported", "expected"),
    [("cuda", True, torch.bfloat16), ("cuda", False, None), ("cpu", True, None)],
)
def test_products_are_in_bfloat16_on_a_gpu_that_has_it(monkeypatch, device, supported, expected):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **named: supported)
    assert reduced_precision(torch.device(device)) is expected


@pytest.mark.parametrize(("kind", "backend"), [("cuda", "nccl"), ("cpu", "gloo"), ("mps", "gloo")])
def test_processes_join_by_the_backend_of_their_device(monkeypatch, kind, backend):
    """`torchrun` says who they are."""
    called = []
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    for name in ("init_process_group", "barrier", "destroy_process_group"):
        monkeypatch.setattr(
            torch.distributed, name, lambda *a, name=name: called.append((name, *a))
        )
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 1)
    with joined_group(torch.device(kind)) as team:
        assert team == ProcessGroup(rank=1, size=2, local=1)
        assert not team.leads
    assert called == [("init_process_group", backend), ("barrier",), ("destroy_process_group",)]


def test_several_processes_add_their_gradients(monkeypatch):
    """All tensors in one message, each replaced in place; a flag that one has set, all see."""
    messages = []

    def sum_of_two(flat):
        messages.append(flat.clone())
        flat.mul_(2)

    def gather(flags, flag):
        flags[:] = [flag, True]

    monkeypatch.setattr(torch.distributed, "all_reduce", sum_of_two)
    monkeypatch.setattr(torch.distributed, "all_gather_object", gather)
    team = ProcessGroup(rank=0, size=2)
    matrix, number = torch.arange(6.0).view(2, 3), torch.tensor(7.0)
    team.add([matrix, number])
    assert [message.tolist() for message in messages] == [[0, 1, 2, 3, 4, 5, 7]]
    assert torch.equal(matrix, 2 * torch.arange(6.0).view(2, 3))
    assert number == 14
    assert team.any(False)


@pytest.mark.parametrize(
    ("device", "team", "expected"),
    [
        ("cuda", ProcessGroup(), "cuda:0"),
        ("cuda:1", ProcessGroup(), "cuda:1"),
        ("cuda", ProcessGroup(rank=3, size=4, local=3), "cuda:3"),
        ("cpu", ProcessGroup(rank=3, size=4, local=3), "cpu"),
    ],
)
def test_each_process_takes_a_gpu_of_its_own(monkeypatch, device, team, expected):
    """One process takes the one that was asked for."""
    taken = []
    monkeypatch.setattr(gpu, "take_gpu", taken.append)
    monkeypatch.setattr(machine, "chosen_device", torch.device)
    assert own_device(torch.device(device), team) == torch.device(expected)
    assert taken == ([] if expected == "cpu" else [torch.device(expected)])


def test_a_gpu_is_called_by_its_name(monkeypatch):
    monkeypatch.setattr(gpu, "name_of_gpu", lambda device: f"card {device.index}")
    assert describe_device(torch.device("cuda:1")) == "card 1"


def test_a_gpu_that_is_there_but_not_for_us_is_one_sentence(monkeypatch):
    """Without --device, the advice is not to leave that option out."""
    monkeypatch.setattr(machine, "get_device", lambda: torch.device("cuda:99"))
    with pytest.raises(OptionError, match=r"cannot be used \(.*\): say --device cpu"):
        chosen_device(None)


@pytest.mark.parametrize("name", ["cuda:99", "xpu:99", "meta", "nonsense"])
def test_a_device_that_is_not_there_is_one_sentence(name):
    """`meta` is PyTorch's own, but has no values."""
    with pytest.raises(OptionError, match=f"--device {name}: this machine.* leave the option out"):
        chosen_device(name)


def test_the_bench_is_for_cpu_and_cuda(monkeypatch):
    """A Mac's GPU has no float64, for one."""
    monkeypatch.setattr(bench, "chosen_device", torch.device)
    with pytest.raises(OptionError, match="--device mps: the bench measures on cpu or cuda"):
        bench.run_bench(bench.BenchRequest(device="mps"), Console(file=io.StringIO()))


@pytest.mark.skipif(sys.platform == "win32", reason="writes a shell script")
def test_the_driver_says_its_version(tmp_path, monkeypatch):
    """By the program that comes with it; unknown without, and if it fails."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpu_driver() == "unknown"
    for script, expected in (("echo 580.65.06", "580.65.06"), ("exit 9", "unknown")):
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IEXEC)
        assert gpu_driver() == expected


def test_a_speed_in_words():
    """With what is known; the share is of the peak."""
    assert str(TrainingSpeed(2.0, 3_000)) == (
        "training      3,000 samples in 2.0 s: 1,500 samples per second"
    )
    assert str(TrainingSpeed(2.0, 3_000, 9e12)).endswith("second, 9 TFLOP")
    known = TrainingSpeed(2.0, 600_000, 0.9e15, 700e12, 5 * 2**30)
    assert known.share == pytest.approx(0.9 / 1.4)
    assert str(known) == (
        "training      600,000 samples in 2.0 s: 300,000 samples per second, 0.9 PFLOP, "
        "64% of the matrix peak of 700 TFLOP/s, 5.0 GiB of memory"
    )


def test_the_speed_on_a_gpu_is_beside_its_own_peak(data, monkeypatch):
    """FLOP of one sample times the samples; the peak once per process; memory without what the
    peak takes.
    """
    asked = []
    monkeypatch.setattr(gpu, "gpu_memory", lambda device: asked.append("memory") or 123)
    monkeypatch.setattr(speed, "peak_of", lambda device: asked.append("peak") or 1e12)
    training, _ = trained(data, steps=0)
    monkeypatch.setattr(torch.Tensor, "to", lambda tensor, device: tensor)
    one = speed_of(training.model, training.loss, data, 2.0, 1, CUDA)
    four = speed_of(training.model, training.loss, data, 2.0, 4, CUDA, processes=3)
    assert (one.peak, four.peak, four.memory) == (1e12, 3e12, 123)
    assert four.flop == 4 * one.flop > 0
    assert asked == ["memory", "peak"] * 2


def test_the_bench_waits_for_a_gpu_before_it_looks_at_the_clock(monkeypatch):
    """And after; a rate beyond 10 TFLOP/s is told in TFLOP/s."""
    happened = []
    monkeypatch.setattr(timing, "wait_for_gpu", lambda device: happened.append("waited"))
    timing.seconds_of(lambda: happened.append("ran"), CUDA)
    assert happened == ["waited", "ran", "waited"]
    assert table._rate(9e12) == "9000 GFLOP/s"
    assert table._rate(7.12e14) == "712 TFLOP/s"


def test_a_peak_is_measured_in_the_precision_of_training(monkeypatch):
    """By the bench's own products."""
    kinds = []
    monkeypatch.setitem(timing.MATRIX_SIZES, "cpu", (16,))
    monkeypatch.setattr(speed, "reduced_precision", lambda device: torch.bfloat16)
    real = timing.products
    monkeypatch.setattr(
        timing, "products", lambda sizes, d, dtype: kinds.append(dtype) or real(sizes, d, dtype)
    )
    assert speed.peak_of(CPU) > 0
    assert kinds == [torch.bfloat16]


def test_a_copy_without_the_bench_counts_no_flop(data, monkeypatch):
    """As students get it."""
    monkeypatch.setattr("kata.lab.speed.find_spec", lambda name: None)
    training, _ = trained(data, steps=0)
    assert speed_of(training.model, training.loss, data, 2.0, 8, CPU) == TrainingSpeed(2.0, 8)


READING = "return F.mse_loss("


@pytest.mark.usefixtures("a_gpu")
@pytest.mark.parametrize("reads", [False, True])
def test_kata_train_says_how_fast_it_was_and_why_not_faster(tmp_path, monkeypatch, reads):
    """The last line has samples per second and PFLOP; a step that no graph holds is said once."""
    unload()
    monkeypatch.setitem(presets.PRESETS, "digits", replace(SMALL, steps=30, look_every=10))
    steps = tmp_path / "steps"
    shutil.copytree(find_root() / "solutions", steps)
    if reads:
        file = steps / "step06_training.py"
        file.write_text(
            file.read_text().replace(READING, f"assert float(t.min()) >= 0\n    {READING}")
        )
    said = io.StringIO()
    order = TrainRequest(out=tmp_path / "run", impl=str(steps), device="cpu")
    done = run_training(order, Console(file=said))
    why = (
        r"\(\S+step06_training.py, line \d+, in flow_matching_loss \(step 6\): [^.]*\): it goes on"
    )
    assert len(re.findall(why, said.getvalue())) == reads
    assert said.getvalue().count("is not repeated as one graph") == reads
    assert said.getvalue().splitlines()[-1] == str(done.speed)
    assert done.speed.samples == 30 * SMALL.batch_size
    assert done.speed.flop > 0
    lines = [json.loads(line) for line in (done.folder / "metrics.jsonl").open()]
    assert 0 < lines[0]["trained"] < lines[-1]["trained"] <= done.speed.seconds + 0.001
    unload()
