"""Which known mistakes can be told from the solution by the pictures of their step.

`python tests/contract/seen.py 4 7` prints, as JSON, the names of those that cannot, for steps 4
and 7. The figures are small and without layout, step 6 trains for a moment only, and the model is
that of 8x8 digits: what is compared is the content, not the looks.
"""

import json
import sys

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
from kata.learn.pictures import figures_of_step

ROOT = find_root()
SMALL_DPI = 50
DIFFERENT, FEWEST = 0.2, 12
"""Two figures differ if at least this many pixels differ by more than this share of the range."""


def small_pixels(figure: CaptionedFigure) -> np.ndarray:
    """Return a figure's pixels `(H, W, 3)` in [0, 1], drawn small and without layout."""
    with matplotlib.rc_context(STYLE):
        drawn = figure.draw()
        drawn.set_layout_engine("none")
        drawn.set_dpi(SMALL_DPI)
        canvas = FigureCanvasAgg(drawn)
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3] / 255


def picture(source, step: Step) -> list[np.ndarray | str]:
    """Return the figures of the step of `source` among the solutions of the others."""
    unload()
    return figures_of_step(PictureKit(Transplant(source, [step.number]), "digits"), step)


def differs(one: np.ndarray | str, other: np.ndarray | str) -> bool:
    """Return whether two figures, or a figure and a sentence, clearly differ."""
    if isinstance(one, str) or isinstance(other, str) or one.shape != other.shape:
        return True
    return int((np.abs(one - other).max(axis=2) > DIFFERENT).sum()) >= FEWEST


def unseen(step: Step) -> list[str]:
    """Return the mistakes of a step that its pictures do not show."""
    CaptionedFigure.drawn = small_pixels
    pictures_training.ROUNDS, pictures_training.BATCHES = 3, 10
    right = picture(ROOT / "solutions", step)
    assert not any(isinstance(figure, str) for figure in right), right
    names = []
    for path in variants(ROOT, "mistakes", step):
        wrong = picture(path, step)
        if not any(differs(a, b) for a, b in zip(right, wrong, strict=True)):
            names.append(f"{step.folder}/{path.stem}")
    return names


if __name__ == "__main__":
    chosen = [step_by_number(int(n)) for n in sys.argv[1:]] or STEPS
    print(json.dumps([name for step in chosen for name in unseen(step)], indent=1))
