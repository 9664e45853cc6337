"""A step's picture looks different for each known mistake of its idea."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from kata.course.files import find_root
from kata.course.steps import STEPS
from kata.course.variants import variants

ROOT = find_root()
HERE = Path(__file__).parent
REASONS = tomllib.loads((HERE / "unseen.toml").read_text(encoding="utf-8"))
LISTED = {name: reason for reason, entry in REASONS.items() for name in entry["mistakes"]}
EXCUSED = {name for name, reason in LISTED.items() if not REASONS[reason]["idea"]}
VARYING = {name for name, reason in LISTED.items() if REASONS[reason].get("varies")}
LEAST_SEEN = 0.8


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.folder)
def test_the_picture_shows_the_mistakes(step):
    """Every known mistake looks different from the solution, but for those that the list names."""
    run = subprocess.run(
        [sys.executable, str(HERE / "seen.py"), str(step.number)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    found = set(json.loads(run.stdout))
    listed = {name for name in LISTED if name.startswith(f"{step.folder}/")}
    assert found - listed == set(), "not seen, and not listed in unseen.toml"
    assert listed - found - VARYING == set(), "listed in unseen.toml, and seen"


def test_the_list_is_true():
    """Each name is a known mistake, and stands once."""
    known = {
        f"{step.folder}/{path.stem}" for step in STEPS for path in variants(ROOT, "mistakes", step)
    }
    names = [name for entry in REASONS.values() for name in entry["mistakes"]]
    assert set(names) <= known
    assert len(names) == len(set(names))
    assert all(entry["why"] for entry in REASONS.values())


def test_most_mistakes_of_the_idea_are_seen():
    """At least 80% of all that a picture could show; only the reasons with idea = false excuse."""
    known = sum(len(variants(ROOT, "mistakes", step)) for step in STEPS)
    could = known - len(EXCUSED)
    seen = known - len(LISTED)
    assert seen >= LEAST_SEEN * could, f"{seen} of {could} are seen"
