"""`kata generate` and `kata evaluate`: what they draw, measure and write, and what they say to
bad input.
"""

import io
import json
import re
import shutil

import numpy as np
import pytest
import torch
from rich.console import Console
from typer.testing import CliRunner

from kata.cli import app
from kata.course.files import find_root
from kata.course.loader import Implementation, unload
from kata.course.steps import step_by_number
from kata.figures.terminal import INK_CHARACTERS, images_as_text
from kata.lab import evaluate, generate
from kata.lab.options import OptionError
from kata.testing.models import redraw_zeros
from kata.train import classifier
from kata.train.checkpoints import CheckpointError, write_checkpoint
from kata.train.pipeline import DEFAULT_SAMPLING, LESSON_SAMPLING

MODEL = {"img_size": 8, "patch_size": 4, "embed_dim": 16, "depth": 1, "num_heads": 2}
PNG = b"\x89PNG\r\n"


@pytest.fixture(autouse=True)
def forget_steps():
    unload()
    yield
    unload()


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A tiny model that was never trained, and does tell labels apart."""
    model = Implementation("solutions").module(step_by_number(5)).ConditionalDiT(**MODEL)
    redraw_zeros(model)
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny"
    write_checkpoint(folder, {"model": model.state_dict()}, {"dataset": "digits", "model": MODEL})
    return folder


@pytest.fixture
def kata(checkpoint, monkeypatch):
    """Runs a command on the tiny checkpoint; what it printed, and its exit code."""
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments, code=0):
        if arguments[0] == "generate" and "--checkpoint" not in arguments:
            arguments = (*arguments, "--checkpoint", str(checkpoint), "--steps", "2")
        result = CliRunner().invoke(app, [str(a) for a in arguments])
        assert result.exit_code == code, result.output
        return result.output

    return run


def test_the_seed_repeats_a_drawing(kata, tmp_path):
    """The same text and the same file for the same seed, others for another; without one, the
    one drawn is told.
    """
    pictures = [tmp_path / f"{n}.png" for n in range(3)]
    a, b, c = (
        kata("generate", 7, 3, "-n", 2, "--seed", seed, "--out", picture)
        for seed, picture in zip((5, 5, 6), pictures, strict=True)
    )
    assert a.replace("0.png", "1.png") == b
    assert a.splitlines()[:3] != c.splitlines()[:3]
    bytes_ = [picture.read_bytes() for picture in pictures]
    assert bytes_[0].startswith(PNG)
    assert bytes_[0] == bytes_[1] != bytes_[2]
    free = kata("generate", 7, "-n", 2)
    seed = re.search(r"seed (\d+)", free)[1]
    assert kata("generate", 7, "-n", 2, "--seed", seed) == free


def test_digits_samplers_and_scales_matter(checkpoint):
    """Each of them changes the images; the first digit's are the same whatever is drawn beside
    it.
    """

    def images(digits=(7,), scale=4.0, **sampling):
        sampling = generate.Sampling(**{"num_steps": 3, **sampling})
        wish = generate.GenerateRequest(digits, scale, 3, checkpoint, seed=1, sampling=sampling)
        return generate.generate_digits(wish, Console(file=io.StringIO()))

    plain = images()
    assert plain.shape == (1, 3, 1, 8, 8)
    assert torch.allclose(images((7, 2))[:1], plain, atol=1e-5)
    others = [
        images((2,)),
        images(scale=2.0),
        images(num_steps=4),
        images(method="heun"),
        images(interval=(0.5, 0.9)),
    ]
    for other in others:
        assert not torch.allclose(other, plain, atol=1e-3)


def test_a_learners_own_sampler_draws(kata, checkpoint, tmp_path):
    """Without options other steps than the solutions draw as the lesson does, and the solutions by
    fewer evaluations; one option makes the rest the lesson's.
    """
    steps = tmp_path / "steps"
    shutil.copytree(find_root() / "solutions", steps)
    here = ("generate", 7, "-n", 1, "--seed", 1, "--checkpoint", checkpoint)
    assert f", {LESSON_SAMPLING}, seed" in kata(*here, "--impl", steps)
    assert f", {DEFAULT_SAMPLING}, seed" in kata(*here)
    assert ", 3 Euler steps, seed" in kata(*here, "--steps", 3)
    assert ", 50 Euler steps, guidance for t in [0.2, 0.8]" in kata(*here, "--interval", "0.2,0.8")
    with (steps / "step07_sampling.py").open("a", encoding="utf-8") as stream:
        stream.write("\n\n" + SPOILT["step07_sampling.py"][0])
    unload()
    assert "step07_sampling.py, line" in kata(*here, "--impl", steps, code=2)


def test_the_default_costs_less_than_the_lessons_sampler():
    """A fifth with guidance, and a quarter where guidance costs nothing."""
    assert [DEFAULT_SAMPLING.cost(scale) for scale in (0, 1, 2, 4)] == [12, 12, 21, 21]
    assert [LESSON_SAMPLING.cost(scale) for scale in (0, 1, 2, 4)] == [50, 50, 100, 100]


def test_the_best_that_ships_is_the_default(checkpoint):
    """The first that is there; where there is none, the sentence says how to make one."""
    assert generate.best_shipped(("nothing", str(checkpoint), "digits")) == checkpoint
    with pytest.raises(CheckpointError, match="run `kata train digits`"):
        generate.best_shipped(("nothing",))


SPOILT = {
    "step07_sampling.py": (
        "def sample_conditional(*arguments, **named):\n    return arguments[7]\n",
        (),
        "step07_sampling.py, line",
    ),
    "step03_guidance.py": (
        "def guided_velocity(*arguments, **named):\n    return []\n",
        ("--sampler", "heun"),
        "guided_velocity (step 3) must return a tensor, not list",
    ),
    "step05_model.py": (
        "class ConditionalDiT(ConditionalDiT):\n    def forward(self, x, t, y=None):\n        return x.nonsense\n",
        ("--interval", "0.2,0.8"),
        "in ConditionalDiT.forward (step 5)",
    ),
}


@pytest.mark.parametrize("file", SPOILT)
def test_a_step_that_fails_is_named(kata, tmp_path, file):
    """The implementation asked for draws, and is blamed by step and file."""
    steps = tmp_path / "steps"
    shutil.copytree(find_root() / "solutions", steps)
    text, options, sentence = SPOILT[file]
    with (steps / file).open("a", encoding="utf-8") as stream:
        stream.write("\n\n" + text)
    output = kata("generate", 7, "--impl", steps, *options, code=2)
    assert sentence in output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--checkpoint", "nowhere"], "There is no checkpoint nowhere: name a folder"),
        (["--scale", "nan"], "--scale nan: a guidance scale is a number from"),
        (["--scale", "-1e9"], "a guidance scale is a number from"),
        (["--device", "cuda:99"], "--device cuda:99: this machine"),
        (["--device", "toaster"], "--device toaster: this machine"),
        (["--interval", "0.8,0.2"], "--interval 0.8,0.2: say two times"),
        (["--interval", "1"], "--interval 1: say two times"),
        (["--interval", "nan,1"], "--interval nan,1: say two times"),
        (["--out", "no/such/folder/7.png"], "cannot write there; name a file in a folder"),
        (["--out", "7.jpg"], "the file's name must end with .png"),
        (["--impl", "nobody"], "--impl nobody: there is no such folder or file"),
    ],
)
def test_bad_input_gets_one_sentence(kata, arguments, sentence):
    output = kata("generate", 7, *arguments, code=2)
    assert sentence in output
    assert len(output.splitlines()) == 1


@pytest.mark.parametrize("arguments", [["10"], ["-1"], ["seven"], ["7", "-n", "0"], []])
def test_what_is_no_digit_is_refused(kata, arguments):
    kata("generate", *arguments, code=2)


def test_a_tampered_checkpoint_is_refused(kata, checkpoint, tmp_path):
    """By both commands, before anything is drawn."""
    folder = tmp_path / "tampered"
    shutil.copytree(checkpoint, folder)
    file = folder / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    for command in (["generate", 7, "--checkpoint", folder], ["evaluate", folder]):
        assert "another SHA-256" in kata(*command, code=2)


@pytest.mark.parametrize("colours", [True, False])
@pytest.mark.parametrize("size", [8, 28, 5])
@pytest.mark.parametrize("width", [12, 40, 80])
def test_the_terminal_is_wide_enough(width, size, colours):
    """No line is wider than the terminal; every image is there."""
    lines = [line.plain for line in images_as_text(np.full((5, size, size), 0.6), width, colours)]
    assert max(map(len, lines)) <= width
    rows = "\n".join(lines).split("\n\n")
    assert sum(len(row.splitlines()[0].split()) for row in rows) == 5


def test_ink_and_paper():
    """Paper is blank, ink is dark; the upper pixel is the block, the lower one what is behind
    it; grey lies between.
    """
    image = np.array([[[-1.0, 1.0, 1.0, -9.0], [-1.0, 1.0, -1.0, 9.0]]])
    (plain,) = images_as_text(image, 80, colours=False)
    assert plain.plain == f" @{2 * INK_CHARACTERS[round(0.5 * (len(INK_CHARACTERS) - 1))]}"
    (blocks,) = images_as_text(image, 80, colours=True)
    assert blocks.plain == "▀▀▀▀"
    levels = [(s.style.color.triplet[0], s.style.bgcolor.triplet[0]) for s in blocks.spans]
    assert levels == [(0, 0), (255, 255), (255, 0), (0, 255)]


def test_an_evaluation(kata, checkpoint, tmp_path, monkeypatch):
    """Every figure is there, in the table and in the file; the counts are what was asked; the
    seed repeats.
    """
    monkeypatch.setenv("KATA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(classifier.EPOCHS, "digits", 1)
    monkeypatch.setattr(evaluate, "DRAWS", 360)
    monkeypatch.setattr(evaluate, "ASKED", 2)
    file, picture = tmp_path / "a.json", tmp_path / "a.png"
    options = ["--scales", "4,0,4", "--steps", 3, "--per-class", 3]
    output = kata("evaluate", checkpoint, *options, "--json", file, "--picture", picture)
    assert max(map(len, output.splitlines())) <= 80
    report = json.loads(file.read_text())
    assert picture.read_bytes().startswith(PNG)
    assert [row["scale"] for row in report["scales"]] == [0, 4]
    assert [row["samples"] for row in report["scales"]] == [30, 30]
    assert [row["evaluated"] for row in report["scales"]] == [90, 180]
    assert report["losses"]["draws"] == 360
    assert report["evaluated"] == 3 * 360 + 20 * 10 * evaluate.PAIRS + 90 + 180
    shown = [report["losses"]["mix"], report["scales"][1]["nearest"], report["real"]["frechet"]]
    for value, form in zip(shown, ("{:.4f}", "{:.3f}", "{:.2f}"), strict=True):
        assert form.format(value) in output
    again = evaluate.evaluate_checkpoint(
        checkpoint, scales=[0, 4], sampling=evaluate.Sampling(num_steps=3), per_class=3
    )
    assert untimed(again) == untimed(report)


def untimed(report):
    """A report without what the clock says, as JSON gives it back."""
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in report["scales"]]
    return json.loads(json.dumps({**report, "seconds": None, "scales": rows}))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--scales", "1,x"], "--scales x: a guidance scale is a number"),
        (["--scales", "1,inf"], "--scales inf: a guidance scale is a number"),
        (["--json", "no/such/folder/a.json"], "--json no/such/folder/a.json: cannot write there"),
        (["--picture", "a.svg"], "--picture a.svg: the file's name must end with .png"),
        (["--device", "cuda:99"], "--device cuda:99: this machine"),
    ],
)
def test_an_evaluation_refuses_before_it_begins(kata, checkpoint, arguments, sentence):
    output = kata("evaluate", checkpoint, *arguments, code=2)
    assert sentence in output
    assert len(output.splitlines()) == 1


def test_more_than_the_terminal_shows_is_said(kata, tmp_path):
    """The first ones are there, and how many more; a picture's folder must be there."""
    output = kata("generate", "7", "8", "-n", generate.SHOWN)
    assert re.search(rf"The first \d+ of {generate.SHOWN} of each digit\.", output)
    output = kata("generate", "7", "--out", tmp_path / "no" / "a.png", code=2)
    assert "cannot write there; name a file in a folder that exists" in output


def test_diversity_needs_two(checkpoint):
    """The command asks for two already."""
    with pytest.raises(OptionError, match="--per-class 1: diversity within a class needs two"):
        evaluate.evaluate_checkpoint(checkpoint, per_class=1)


def test_only_the_files_that_were_asked_for_are_written(tmp_path):
    said = io.StringIO()
    files = {"--json": tmp_path / "a.json", "--picture": None}
    evaluate.write_scores({"a": 1}, files, Console(file=said))
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert len(said.getvalue().splitlines()) == 1
