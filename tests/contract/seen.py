"""Which known mistakes can be told from the solution by the pictures of their step.

`python tests/contract/seen.py 4 7` prints, as JSON, the names of those that cannot, for steps 4
and 7. The figures are small and without layout, step 6 trains for a moment only, and the model is
that of 8x8 digits: what is compared is the content, not the looks.
"""

import json
import pickle
import sys
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from kata.course.files import find_root
from kata.course.loader import Transplant, unload
from kata.course.steps import STEPS, Step, step_by_number
from kata.course.variants import variants
from kata.figures.style import STYLE, CaptionedFigure
from kata.learn import pictures_training
from kata.learn.kit import PictureKit
from kata.learn.pictures import STEP_PICTURES, draw_figure

ROOT = find_root()
SMALL_DPI = 50
DIFFERENT, FEWEST = 0.2, 12
"""Two figures differ if at least this many pixels differ by more than this share of the range."""


def content(figure: CaptionedFigure) -> bytes:
    """Return all that a figure is drawn from."""
    cells = figure.draw.__closure__ or ()
    return pickle.dumps([cell.cell_contents for cell in cells])


def small_pixels(figure: CaptionedFigure) -> np.ndarray:
    """Return a figure's pixels `(H, W, 3)` in [0, 1], drawn small and without layout."""
    with matplotlib.rc_context(STYLE):
        drawn = figure.draw()
        drawn.set_layout_engine("none")
        drawn.set_dpi(SMALL_DPI)
        canvas = FigureCanvasAgg(drawn)
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3] / 255


def kit_of(source: Path, step: Step) -> PictureKit:
    """Return a kit with the step of `source` among the solutions of the others."""
    unload()
    return PictureKit(Transplant(source, [step.number]), "digits")


def differs(right: CaptionedFigure, other: CaptionedFigure | str) -> bool:
    """Return whether a figure, or a sentence in its place, clearly differs from the right one."""
    if isinstance(other, str):
        return True
    if content(right) == content(other):
        return False
    one, two = small_pixels(right), small_pixels(other)
    return one.shape != two.shape or (
        int((np.abs(one - two).max(axis=2) > DIFFERENT).sum()) >= FEWEST
    )


def unseen(step: Step) -> list[str]:
    """Return the mistakes of a step that its pictures do not show."""
    CaptionedFigure.drawn = lambda figure: figure
    pictures_training.ROUNDS, pictures_training.BATCHES = 3, 10
    pictures = STEP_PICTURES[step.number]
    kit = kit_of(ROOT / "solutions", step)
    right = [draw_figure(kit, step, picture) for picture in pictures]
    assert not any(isinstance(figure, str) for figure in right), right
    names = []
    for path in variants(ROOT, "mistakes", step):
        kit = kit_of(path, step)
        if not any(
            differs(figure, draw_figure(kit, step, picture))
            for figure, picture in zip(right, pictures, strict=True)
        ):
            names.append(f"{step.folder}/{path.stem}")
    return names


if __name__ == "__main__":
    chosen = [step_by_number(int(n)) for n in sys.argv[1:]] or STEPS
    print(json.dumps([name for step in chosen for name in unseen(step)], indent=1))
