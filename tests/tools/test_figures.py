"""Figures are drawn from arrays alone, and the page holds them all in itself."""

import sys

import matplotlib
import numpy as np
import pytest
from matplotlib.image import imread

from kata.figures import charts, images, tables
from kata.figures.style import save_figure
from kata.pages.page import Claim, PagePicture, Table, render

RANDOM = np.random.default_rng(0)


def normal(*shape):
    return RANDOM.normal(size=shape)


FIGURES = {
    "class_table": lambda: tables.draw_class_table(normal(11, 64), np.eye(11), "before"),
    "sum": lambda: charts.draw_conditioning_sum(normal(64), normal(64), normal(64), 0.3, 7),
    "fields": lambda: images.draw_velocity_fields(
        normal(8, 8), normal(8, 8), normal(8, 8), {w: normal(8, 8) for w in (1, 3, 5, 7)}, 7
    ),
    "dropout": lambda: charts.draw_label_dropout(
        np.arange(20) % 10, np.where(np.arange(20) % 6, np.arange(20) % 10, 10), 10, 0.1
    ),
    "no_dropout": lambda: charts.draw_label_dropout(
        np.arange(20) % 10, np.arange(20) % 10, 10, 0.1
    ),
    "loss": lambda: charts.draw_loss([1.0, 0.5, 0.4], 1),
    "grid_8": lambda: images.draw_class_grid(normal(10, 4, 8, 8), "w = 4"),
    "grid_28": lambda: images.draw_class_grid(normal(10, 8, 28, 28), "w = 4"),
    "scales": lambda: images.draw_scale_rows(
        normal(6, 6, 8, 8), (1, 2, 3, 4, 5, 7), [1.0] * 6, [0.2] * 6, 7
    ),
    "modes": lambda: images.draw_mode_strips(
        {name: normal(16, 8, 8) for name in "abc"}, dict.fromkeys("abc", "title")
    ),
    "learned": lambda: tables.draw_learned_table(normal(11, 64), np.eye(11), normal(11, 2)),
    "curve": lambda: charts.draw_fidelity_diversity(
        (0, 1, 2, 4, 7), [0.1, 0.9, 1, 1, 1], [0.4, 0.3, 0.2, 0.2, 0.2], 0.33, 0.99
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_drawn_and_leaves_no_trace(name, tmp_path):
    """A PNG of sensible size with something on it; matplotlib's own settings stay as they were."""
    before = dict(matplotlib.rcParams)
    save_figure(FIGURES[name](), tmp_path / "figure.png")
    picture = imread(tmp_path / "figure.png")
    assert 300 <= picture.shape[0] <= 1200
    assert 300 <= picture.shape[1] <= 1200
    assert picture[..., :3].std() > 0.01
    assert dict(matplotlib.rcParams) == before


def test_drawing_needs_no_window_and_no_pyplot():
    """The rooms of drawing import neither."""
    rooms = [name for name in sys.modules if name.startswith("kata.figures")]
    assert rooms
    assert not any("pyplot" in vars(sys.modules[name]) for name in rooms)


def test_a_mosaic_keeps_rows_and_columns():
    """Image [r, c] stands in row r and column c, with nan between the images."""
    pictures = np.arange(6.0).reshape(2, 3, 1, 1) * np.ones((2, 3, 8, 8))
    whole = images.mosaic(pictures)
    assert whole.shape == (17, 26)
    assert [whole[4, c] for c in (4, 13, 22)] == [0, 1, 2]
    assert [whole[13, c] for c in (4, 13, 22)] == [3, 4, 5]
    assert np.isnan(whole[8]).all()
    assert np.isnan(whole[:, 8]).all()


def test_the_page_escapes_its_texts_and_holds_its_pictures(tmp_path):
    """Every picture inside with its alt text, missed claims marked, no address to fetch anything from."""
    save_figure(FIGURES["loss"](), tmp_path / "loss.png")
    picture = PagePicture(tmp_path / "loss.png", "Loss <1>", "It falls.", 'A "curve" & more')
    page = render(
        "Title",
        "Lead",
        [picture],
        Table(("scale", "share"), [("w = 1", "96%")]),
        "Notes",
        [Claim("a", "1", True), Claim("b", "2", False)],
        "Footer",
    )
    assert "Loss &lt;1&gt;" in page
    assert 'alt="A &quot;curve&quot; &amp; more"' in page
    assert page.count("data:image/png;base64,") == 1
    assert "http" not in page
    assert ">holds<" in page
    assert ">missed<" in page
    assert "prefers-color-scheme: dark" in page
