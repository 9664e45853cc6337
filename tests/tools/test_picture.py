"""`kata picture` and the figures of `kata gallery`: drawn by the step in question, and by no
other.
"""

import io
import re
import shutil
import subprocess
import time

import numpy as np
import pytest
import torch
from matplotlib.image import imread
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

from kata.cli import app
from kata.course.files import find_root
from kata.course.loader import Implementation, Transplant, unload
from kata.course.steps import STEPS, step_by_number
from kata.course.variants import read_mistake
from kata.figures.images import sheet
from kata.learn import draw as screen
from kata.learn import pictures
from kata.learn.gallery import GalleryError, write_gallery
from kata.learn.kit import OutOfTime, PictureKit, time_limit
from kata.learn.pictures import STEP_PICTURES, figures_of_step
from kata.learn.workspace import open_workspace
from kata.train.checkpoints import write_checkpoint

ROOT = find_root()
SIZES = {"img_size": 8, "patch_size": 4, "embed_dim": 32, "depth": 1, "num_heads": 2}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A small model that was not trained, but hears its label."""
    unload()
    model = Implementation(ROOT / "solutions").module(step_by_number(5)).ConditionalDiT(**SIZES)
    g = torch.Generator().manual_seed(0)
    weights = {
        k: v + 0.3 * torch.randn(v.shape, generator=g) for k, v in model.state_dict().items()
    }
    folder = tmp_path_factory.mktemp("checkpoint") / "small"
    write_checkpoint(folder, {"model": weights}, {"model": SIZES, "dataset": "digits"})
    (folder / "evaluation.json").write_text(
        '{"scales": [{"scale": 0, "read_as_asked": 0.1, "spread": 0.4, "samples": 500},'
        ' {"scale": 7, "read_as_asked": 1, "spread": 0.2, "samples": 500}],'
        ' "real": {"read_as_asked": 0.98, "spread": 0.33}}',
        encoding="utf-8",
    )
    yield folder
    unload()


@pytest.fixture
def run(course, checkpoint):
    """`kata` in a copy of the course whose exercises are stubs, in this process; never opens
    anything.
    """
    unload()

    def run_(*arguments, trained=True):
        if trained and arguments[0] in ("picture", "gallery"):
            arguments = (*arguments, "--checkpoint", str(checkpoint))
        return CliRunner().invoke(app, arguments, env={"CI": "1", "COLUMNS": "80"})

    yield run_
    unload()


def solve(course, number, change=""):
    """Write a step's solution into the exercises, with a change after it."""
    file = step_by_number(number).file
    text = (ROOT / "solutions" / file).read_text(encoding="utf-8")
    (course / "exercises" / file).write_text(f"{text}\n\n{change}", encoding="utf-8")


def bytes_of(figures):
    """The figures as PNGs."""
    return [figure.png for figure in figures]


# The steps that live in the trained model, and a mistake that must be seen there.
TELLING = {
    0: "velocity_added",
    1: "default_init",
    2: "difference",
    3: "difference_reversed",
    5: "velocity_negated",
    7: "velocity_added",
    8: "divided_by_one_less",
    9: "guided_with_scale_one",
    10: "not_centred",
}


@pytest.mark.parametrize("number", [s.number for s in STEPS])
def test_a_step_is_drawn_by_its_own_code(checkpoint, number):
    """A copy of the solution draws what the solution draws; a mistake, something else."""
    solutions = ROOT / "solutions"
    figures = {
        whose: figures_of_step(
            PictureKit(Transplant(path, [number]), checkpoint), step_by_number(number)
        )
        for whose, path in (
            ("solution", solutions),
            ("copy", solutions / step_by_number(number).file),
        )
    }
    assert all(not isinstance(f, str) for f in figures["solution"])
    assert len(figures["solution"]) == len(STEP_PICTURES[number])
    first = bytes_of(figures["solution"])
    assert first == bytes_of(figures["copy"])
    if number in TELLING:
        mistake = (
            ROOT / "tests" / "mistakes" / step_by_number(number).folder / f"{TELLING[number]}.py"
        )
        wrong = figures_of_step(
            PictureKit(Transplant(mistake, [number]), checkpoint), step_by_number(number)
        )
        assert all(not isinstance(f, str) for f in wrong)
        assert first != bytes_of(wrong)


def test_a_picture_stands_beside_the_reference(run, course):
    """One PNG, two columns of the same size; where it lies is one line; nothing else is touched."""
    solve(course, 4)
    result = run("picture", "4")
    assert result.exit_code == 0, result.output
    path = course / "checkpoints" / "runs" / "pictures" / "step04_label_dropout.png"
    assert result.output.splitlines()[0].split() == ["see", path.relative_to(course).as_posix()]
    assert "yours, the reference" in result.output
    pixels = imread(path)
    assert pixels.shape[1] > 1800
    assert pixels[..., :3].std() > 0.01


def test_without_solutions_it_is_drawn_alone(run, course):
    """As in a students' copy: a line says that the reference is absent."""
    solve(course, 4)
    shutil.rmtree(course / "solutions")
    result = run("picture", "4")
    assert result.exit_code == 0, result.output
    assert "The reference is absent here" in result.output
    assert imread(course / "checkpoints/runs/pictures/step04_label_dropout.png").shape[1] < 1200


def test_what_can_be_drawn_is_drawn(run, course):
    """A figure that needs what is not written yet is replaced by the sentence that says so."""
    half = 'def guided_velocity(*arguments):\n    raise NotImplementedError("step 3: guided_velocity")\n'
    solve(course, 3, half)
    result = run("picture", "3")
    assert result.exit_code == 0, result.output
    assert "guided_velocity is not written yet" in " ".join(result.output.split())


REFUSED = {
    "a stub": (3, None, ("3",), "Nothing is written in exercises/step03_guidance.py yet"),
    "no such step": (3, "", ("99",), "There is no step 99"),
    "a syntax error": (4, "def (", ("4",), "step04_label_dropout.py, line"),
    "an exit at import": (4, "raise SystemExit(3)", ("4",), "does not load: SystemExit"),
    "an error": (
        4,
        "def drop_labels(y, *rest, **named):\n    return y.x\n",
        ("4",),
        "no attribute",
    ),
    "None": (4, "def drop_labels(y, *rest, **named):\n    pass\n", ("4",), "must return a tensor"),
    "complex numbers": (
        10,
        "def similarity_matrix(X):\n    return np.eye(len(X), dtype=complex)\n",
        ("10",),
        "cannot be drawn",
    ),
    "no folder to write to": (4, "", ("4", "--out", "no/where.png"), "cannot write there"),
    "another kind of file": (4, "", ("4", "--out", "x.jpg"), "must end with .png"),
    "no checkpoint": (9, "", ("9",), "There is no trained checkpoint here"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_goes_wrong_is_one_sentence(run, course, case):
    """Exit code 2, one line, no traceback, and no picture."""
    number, change, arguments, sentence = REFUSED[case]
    if change is not None:
        solve(course, number, change)
    result = run("picture", *arguments, trained=case != "no checkpoint")
    assert result.exit_code == 2, result.output
    assert sentence in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert not list(course.rglob("*.png"))


@pytest.mark.slow
def test_a_mistake_that_is_yours_is_not_drawn_twice(kata, course, checkpoint):
    """The picture of the mistake is yours: two columns, and the diagnosis under your heading."""
    text = (ROOT / "tests/mistakes/step03/difference_reversed.py").read_text(encoding="utf-8")
    solve(course, 3, text)
    drawn = ("picture", "3", "--checkpoint", str(checkpoint))
    before = kata(*drawn, CI="1")
    assert "`kata check 3` looks for a known mistake" in " ".join(before.stdout.split())
    assert kata("check", "3").returncode == 1
    run = kata(*drawn, CI="1")
    assert run.returncode == 0, run.stderr
    said = " ".join(run.stdout.split())
    assert "from left to right: yours, the reference" in said
    assert "exactly the picture of a known mistake: The difference is taken the wrong way" in said
    assert "looks for a known mistake" not in said


def test_a_known_mistake_that_looks_different_stands_below(run, course, monkeypatch):
    """Two columns abreast at most; its diagnosis is told."""
    mistake = read_mistake(ROOT / "tests/mistakes/step04/mask_inverted.py", step_by_number(4))
    monkeypatch.setattr(screen, "_known_mistake", lambda *_: mistake)
    solve(course, 4)
    result = run("picture", "4")
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    assert "from left to right: yours, the reference below: a known mistake:" in said
    assert " ".join(mistake.diagnosis.split()) in said
    pixels = imread(course / "checkpoints/runs/pictures/step04_label_dropout.png")
    assert 1800 < pixels.shape[1] < 2100


def test_failing_code_is_drawn_without_waiting(course, run, monkeypatch):
    """No test runs, and no process is started: the picture shows what is wrong."""
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a process"))
    solve(course, 4, "def drop_labels(y, *rest, **named):\n    return y\n")
    assert run("picture", "4").exit_code == 0


LOOPS = """
def drop_labels(y, *rest, **named):
    while True:
        try:
            while True:
                pass
        except ValueError:
            pass
"""

BROKEN = {
    "slow": (4, LOOPS, "was not ready after 0.2 seconds"),
    "nan": (2, "def modulate(x, scale, shift):\n    return x * float('nan')\n", "with nan or inf"),
    "a wrong shape": (2, "def modulate(x, scale, shift):\n    return x[:, 0]\n", "of shape"),
    "raises halfway": (
        7,
        "def sample_each_class(*arguments, **named):\n    raise KeyError('labels')\n",
        "KeyError: 'labels'",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_figure_is_a_sentence_in_its_place(course, checkpoint, monkeypatch, case):
    """It names the file; the figures that do not need what is broken are drawn."""
    number, change, sentence = BROKEN[case]
    solve(course, number, change)
    if case == "slow":
        monkeypatch.setattr(pictures, "FIGURE_SECONDS", 0.2)
    step = step_by_number(number)
    unload()
    kit = PictureKit(Transplant(course / "exercises" / step.file, [number]), checkpoint)
    drawn = figures_of_step(kit, step)
    unload()
    sentences = [figure for figure in drawn if isinstance(figure, str)]
    assert sentences
    for words in sentences:
        assert sentence in words
        assert step.file in words
        assert len(words.splitlines()) == 1
    if case != "slow":
        assert len(sentences) < len(drawn)


def test_a_limit_of_time_ends_what_catches_everything():
    """It is raised again if the first is caught; afterwards nothing is raised any more."""
    caught = []

    def endless():
        while len(caught) < 2:
            try:
                while True:
                    pass
            except OutOfTime as error:
                caught.append(error)
        raise caught[-1]

    def limited():
        with time_limit(0.1):
            endless()

    with pytest.raises(OutOfTime):
        limited()
    with time_limit(0.05):
        pass
    until = time.monotonic() + 0.3
    while time.monotonic() < until:
        pass


@pytest.mark.parametrize("number", [3, 4])
def test_the_settings_of_torch_stay_as_they_were(checkpoint, number):
    """Threads, gradients and the global generator, with a model that is built and without one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        torch.manual_seed(5)
        before = torch.get_rng_state()
        with torch.no_grad():
            figures_of_step(
                PictureKit(Implementation(ROOT / "solutions"), checkpoint), STEPS[number]
            )
            assert not torch.is_grad_enabled()
        assert torch.get_num_threads() == threads + 1
        assert torch.equal(torch.get_rng_state(), before)
    finally:
        torch.set_num_threads(threads)  # a process with more threads cannot be forked safely
        unload()


def test_it_opens_where_there_is_a_screen_and_only_there(monkeypatch, tmp_path):
    """Not in continuous integration, not without a display."""
    opened = []
    monkeypatch.setattr(subprocess, "Popen", lambda command, **_: opened.append(command))
    monkeypatch.setattr(screen.sys, "platform", "linux")
    monkeypatch.setattr(screen.shutil, "which", lambda name: f"/usr/bin/{name}")
    for name in ("CI", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert not screen.show_on_screen(tmp_path)
    monkeypatch.setenv("DISPLAY", ":0")
    assert screen.show_on_screen(tmp_path)
    assert opened == [["/usr/bin/xdg-open", str(tmp_path)]]
    monkeypatch.setenv("CI", "true")
    assert not screen.show_on_screen(tmp_path)
    assert len(opened) == 1


def test_the_gallery_shows_the_steps_that_pass(run, course, checkpoint, monkeypatch):
    """Theirs and no others; each figure with its text; the playground among the solutions of the
    rest.
    """
    solve(course, 3)
    solve(course, 10)
    chosen = (step_by_number(3), step_by_number(10))
    monkeypatch.setattr("kata.learn.gallery.passed_steps", lambda workspace, console: chosen)
    found = write_gallery(open_workspace(), Console(file=io.StringIO()), None, checkpoint)
    assert found.steps == chosen
    assert found.missing == ()
    text = found.page.read_text(encoding="utf-8")
    assert re.findall(r"<h2>Step (\d+)\.", text) == ["3", "10"]
    assert text.count("<figure id=") == text.count("<img src=") == text.count(' alt="') == 4
    assert 'id="sample"' in text
    assert "://" not in text
    again = write_gallery(open_workspace(), Console(file=io.StringIO()), None, checkpoint)
    assert again.page == found.page


def test_the_gallery_asks_the_tests(run, course):
    """What does not pass is not shown; where nothing does, there is no page."""
    result = run("gallery")
    assert result.exit_code == 2
    assert "No step passes its tests yet" in result.output
    assert not list(course.rglob("index.html"))
    solve(course, 3, "def guide(v_uncond, v_cond, scale):\n    return v_cond\n")
    solve(course, 10)
    result = run("gallery")
    assert result.exit_code == 0, result.output
    text = (course / "checkpoints/runs/gallery/index.html").read_text(encoding="utf-8")
    assert re.findall(r"<h2>Step (\d+)\.", text) == ["10"]


def test_the_gallery_replaces_no_other_page(course, checkpoint, tmp_path):
    """An index.html of somebody else is left alone, one of its own is replaced."""
    (tmp_path / "index.html").write_text("mine", encoding="utf-8")
    with pytest.raises(GalleryError, match="is no page of `kata gallery`"):
        write_gallery(
            open_workspace("solutions"), Console(file=io.StringIO()), tmp_path, checkpoint
        )
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == "mine"


def test_a_sheet_keeps_its_images():
    """Ink is black, paper white, what lies beyond is cut; images stand one below the other."""
    images = np.linspace(-2, 2, 3 * 4 * 6).reshape(3, 4, 6)
    pixels = np.asarray(Image.open(io.BytesIO(sheet(images))).convert("L")) / 255
    assert pixels.shape == (12, 6)
    expected = np.clip((1 - images.reshape(12, 6)) / 2, 0, 1)
    assert np.abs(pixels - expected).max() <= 0.5 / 15 + 1e-6
