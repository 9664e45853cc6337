"""The demo: a small run of everything, and one sentence for everything that can be wrong
beforehand.
"""

import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from rich.console import Console
from typer.main import get_command

from kata.cli import app
from kata.course.files import find_root
from kata.course.steps import STEPS
from kata.lab.demo import DemoRequest, run_demo
from kata.lab.options import OptionError
from kata.train.data import DataError, digits, load_dataset
from kata.train.metrics import labels_read, read_as_asked, spread_within_class
from kata.train.presets import DOCUMENT_LOSSES, RECIPES

ROOT = find_root()
TINY = replace(
    RECIPES["digits"], rounds=2, batches_per_round=3, classifier_epochs=1, num_steps=2, per_class=2
)


def small_run(folder, seed=0):
    """The numbers of a demo that takes seconds, and what it printed."""
    text = io.StringIO()
    run_demo(DemoRequest(seed=seed, out=folder), Console(file=text, width=80), TINY)
    return json.loads((folder / "metrics.json").read_text(encoding="utf-8")), text.getvalue()


def test_a_run_leaves_page_figures_and_numbers(tmp_path):
    """Eleven figures, a page that needs nothing else, all numbers; nothing unfinished lies
    beside them.
    """
    numbers, printed = small_run(tmp_path / "run")
    assert len(list((tmp_path / "run").glob("*.png"))) == 11
    page = (tmp_path / "run" / "index.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 11
    assert page.count("alt=") == 11
    assert "://" not in page
    assert len(page) < 3_000_000
    assert [row["scale"] for row in numbers["scales"]] == [0, 1, 2, 4, 7]
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
    assert printed.splitlines()[-1] == f"page     {tmp_path / 'run' / 'index.html'}"
    assert "\x1b" not in printed
    assert max(len(line) for line in printed.splitlines() if str(tmp_path) not in line) <= 80


def test_the_page_is_a_report_of_the_run(tmp_path):
    """The digits first, then the numbers, the other figures, all equations, settings,
    experiments.
    """
    numbers, _ = small_run(tmp_path / "run")
    page = (tmp_path / "run" / "index.html").read_text(encoding="utf-8")
    parts = [
        *(
            'id="digits"',
            ">1. Eight of each<",
            'id="measured"',
            "w = 7</th>",
            "of the last 5 epochs",
        ),
        *(">2. One network, three modes<", ">3. “Draw a 7”", ">4. Fidelity against diversity<"),
        *(">5. The training loss, beside the document", ">6. What the class table learned<"),
        *('id="equations"', 'id="settings"', "In this run it is 384", 'id="experiments"'),
    ]
    places = [page.find(part) for part in parts]
    assert -1 not in places, parts[places.index(-1)]
    assert places == sorted(places)
    assert f"{numbers['parameters']:,} parameters" in page
    said = " ".join(page.split())
    assert ", ".join(f"{loss:.4f}" for loss in DOCUMENT_LOSSES) in said
    sheet = page[page.index('id="equations"') : page.index('id="settings"')]
    rows = {int(n) for n in re.findall(r'<th scope="row">(\d+)</th>', sheet)}
    assert rows == {0, *(step.number for step in STEPS)}


def test_the_commands_on_the_page_can_be_run(tmp_path):
    """Each is a command of `kata` with options that it has."""
    small_run(tmp_path / "run")
    page = (tmp_path / "run" / "index.html").read_text(encoding="utf-8")
    found = re.findall(r'<code class="command">(.*?)</code>', page, re.DOTALL)
    commands = [shlex.split(re.sub(r"<.*?>", "", command)) for command in found]
    assert len(commands) >= 5
    for program, name, *arguments in commands:
        assert program == "kata"
        get_command(app).commands[name].make_context(name, list(arguments))
        assert arguments[-2:] == ["--impl", "exercises"]


def test_the_document_reports_thirty_losses():
    """They fall, and end where the final test on MNIST expects it."""
    assert len(DOCUMENT_LOSSES) == 30
    assert list(DOCUMENT_LOSSES) == sorted(DOCUMENT_LOSSES, reverse=True)
    assert (DOCUMENT_LOSSES[0], DOCUMENT_LOSSES[9], DOCUMENT_LOSSES[29]) == (0.8388, 0.2331, 0.1774)


def test_a_seed_repeats_a_run(tmp_path):
    """The same seed gives the same numbers but for the seconds, another seed others."""
    first, again, other = (
        {k: v for k, v in small_run(tmp_path / name, seed)[0].items() if k != "seconds"}
        for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    assert first == again
    assert first["losses"] != other["losses"]


def test_what_exists_is_not_overwritten(tmp_path):
    """A folder with something in it is refused before anything is done."""
    (tmp_path / "note.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(OptionError, match="it is there already"):
        run_demo(DemoRequest(out=tmp_path), Console(file=io.StringIO()), TINY)
    assert [p.name for p in tmp_path.iterdir()] == ["note.txt"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--impl", "nowhere"], "there is no such folder or file"),
        (["--dataset", "cifar"], "is not one of"),
        (["--seed", "-1"], "greater than or equal to 0"),
    ],
)
def test_a_wrong_option_is_one_sentence_and_exit_code_2(options, sentence):
    """No stack trace of our own."""
    command = [sys.executable, "-c", "from kata.cli import main; main()", "demo", *options]
    environment = {**os.environ, "COLUMNS": "200"}
    run = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment
    )
    assert run.returncode == 2
    assert sentence in run.stderr
    assert "Traceback" not in run.stderr


def test_an_unwritten_step_is_named(tmp_path):
    """On stubs the demo says which file to fill in, and leaves nothing behind."""
    mine = tmp_path / "mine"
    shutil.copytree(ROOT / "solutions", mine, ignore=shutil.ignore_patterns("__pycache__"))
    guidance = mine / "step03_guidance.py"
    text = guidance.read_text(encoding="utf-8")
    guidance.write_text(
        text
        + '\n\ndef guide(v_uncond, v_cond, scale):\n    raise NotImplementedError("step 3: guide")\n',
        "utf-8",
    )
    command = [
        sys.executable,
        "-c",
        "from kata.cli import main; main()",
        "demo",
        "--impl",
        str(mine),
    ]
    command += ["--out", str(tmp_path / "run")]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 2, run.stderr
    assert "guide is not written yet" in run.stderr
    assert "step03_guidance.py" in run.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


def test_measures_by_hand():
    """Three of four read as asked; a spread of half the distance in one class, of nothing in the
    other.
    """
    images = torch.tensor([0.0, 1.0, 4.0, 4.0]).view(4, 1, 1, 1).expand(4, 1, 2, 2)
    labels = torch.tensor([0, 0, 1, 1])
    assert spread_within_class(images, labels) == pytest.approx(0.25)
    logits = torch.tensor([[2.0, 1.0], [0.0, 1.0], [-2.0, -1.0], [0.0, 3.0]])
    read = labels_read(images, lambda part: logits[: len(part)])
    assert read_as_asked(read, labels) == pytest.approx(0.75)


def test_digits_are_what_the_contract_says():
    """Pixels in [-1, 1], both ends used; the split keeps images apart and classes in proportion."""
    data = digits()
    assert data.images.shape == (1437, 1, 8, 8)
    assert data.held_out_images.shape == (360, 1, 8, 8)
    assert (data.images.min(), data.images.max()) == (-1, 1)
    assert data.labels.dtype == torch.int64
    counts = np.bincount(data.held_out_labels.numpy())
    assert counts.min() >= 34
    seen = {bytes(image.numpy()) for image in data.images}
    assert not any(bytes(image.numpy()) in seen for image in data.held_out_images)


@pytest.mark.mnist_data
def test_mnist_is_what_the_contract_says():
    """60,000 and 10,000 images of 28 x 28 pixels in [-1, 1]."""
    if not os.environ.get("KATA_DATA"):
        pytest.skip("MNIST is not on disk: set KATA_DATA to the folder that holds it")
    data = load_dataset("mnist", None)
    assert data.images.shape == (60_000, 1, 28, 28)
    assert data.held_out_images.shape == (10_000, 1, 28, 28)
    assert (data.images.min(), data.images.max()) == (-1, 1)
    assert data.labels[:5].tolist() == [5, 0, 4, 1, 9]


def test_half_of_mnist_is_refused(tmp_path):
    """A file of the wrong size is named, and nothing is trained on it."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-images-idx3-ubyte").write_bytes(b"half")
    with pytest.raises(DataError, match="MNIST"):
        load_dataset("mnist", tmp_path)
