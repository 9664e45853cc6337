"""Figures are drawn from arrays alone, and the page holds them all in itself."""

import io
import sys
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from jinja2 import UndefinedError
from PIL import Image

from kata.figures import charts, grids, images, laws, plane, tables, tokens, walks
from kata.figures.columns import GAP, Column, side_by_side
from kata.figures.curve import Curve, fidelity_diversity
from kata.figures.losses import losses_beside_document
from kata.figures.style import DPI, FIGURE_WIDTH
from kata.pages import render
from kata.train.metrics import Expectation
from kata.train.presets import DOCUMENT_LOSSES

RANDOM = np.random.default_rng(0)


def normal(*shape):
    return RANDOM.normal(size=shape)


LABELS = np.arange(20) % 10

FIGURES = {
    "plane": lambda: plane.in_the_plane(
        *(normal(5, 6, 2), normal(6, 2), normal(9, 8, 2), np.arange(8) % 2),
        *(normal(9, 2), normal(9, 2), 0.8),
        *({w: normal(2) for w in (0, 1, 2, 4)}, normal(2)),
    ),
    "class_table": lambda: tables.class_table(normal(11, 64), np.eye(11)),
    "sum": lambda: charts.conditioning_sum(normal(64), normal(64), normal(64)),
    "modulation": lambda: images.modulation(normal(12, 64), normal(12, 64), normal(12, 64)),
    "fields": lambda: images.guided_fields(
        normal(8, 8), normal(8, 8), normal(8, 8), {w: normal(8, 8) for w in (1, 3, 5, 7)}, 7, "a 7"
    ),
    "sizes": lambda: laws.embedding_sizes(np.full(11, 0.6), np.full(9, 4.0), np.ones(11)),
    "dropout": lambda: images.label_dropout(
        normal(20, 8, 8), LABELS, np.where(np.arange(20) % 6, LABELS, 10), 10, 0.1
    ),
    "no_dropout": lambda: images.label_dropout(normal(20, 8, 8), LABELS, LABELS, 10, 0.1),
    "counts": lambda: laws.drop_counts(
        [np.arange(9), np.arange(9)], (0.1, 0.25), 32, np.full(32, 0.1)
    ),
    "left": lambda: laws.labels_left(np.ones(20), 0.1),
    "tokens": lambda: tokens.patches_and_tokens(
        normal(8, 8), 4, normal(4, 64), np.ones(4), np.ones(5)
    ),
    "none": lambda: images.none_beside_null(normal(3, 10, 8, 8), "the same noise"),
    "line": lambda: walks.straight_line(normal(5, 8, 8), (0, 0.25, 0.5, 0.75, 1), normal(8, 8)),
    "denoised": lambda: walks.denoised(
        normal(3, 8, 8), normal(3, 6, 8, 8), (-1, 0, 1, 2, 4, 7), (3, 7, 8), 0.6
    ),
    "walk": lambda: walks.walk(
        normal(8, 8, 8), normal(8, 8, 8), [1 - i / 8 for i in range(8)], 7, 4
    ),
    "learned_walk": lambda: images.learned_walk(normal(2, 10, 8, 8), 250, ["", ""]),
    "errors": lambda: laws.euler_error(
        (1, 2, 4), *({w: np.array([1, 0.5, 0.25]) for w in (1.0, 4.0)} for _ in range(2))
    ),
    "law": lambda: laws.guidance_law(
        (0, 1, 2), np.ones(3), np.ones(3), np.ones(3), normal(3, 8), 500
    ),
    "loss": lambda: charts.loss([1.0, 0.5, 0.4], 1),
    "losses": lambda: losses_beside_document([1.0, 0.5, 0.4], 1, same_data=False),
    "asked": lambda: images.as_asked(normal(3, 10, 8, 8), (0, 1, 4)),
    "digits_modulated": lambda: images.digits_modulated(normal(3, 10, 8, 8), ["a", "b", "c"]),
    "rows": lambda: images.digits_in_rows(normal(6, 8, 8, 8), 4, ["1", "", "2", "", "3", ""]),
    "any": lambda: images.every_digit(normal(10, 4, 8, 8), 4, normal(10, 8, 8), 2),
    "grid_8": lambda: images.every_digit(normal(10, 4, 8, 8), 4),
    "grid_28": lambda: images.more_digits(normal(10, 8, 28, 28), 4),
    "scales": lambda: images.by_scale(
        normal(6, 6, 8, 8), (1, 2, 3, 4, 5, 7), [1.0] * 6, [0.2] * 6, 7
    ),
    "modes": lambda: images.three_modes(
        {name: normal(16, 8, 8) for name in ("unconditional", "conditional", "guided")}, 3, 4
    ),
    "learned": lambda: tables.learned_table(normal(11, 64), np.eye(11), normal(11, 2)),
    "curve": lambda: fidelity_diversity(
        Curve((0, 1, 2, 4, 7), [0.1, 0.9, 1, 1, 1], [0.4, 0.3, 0.2, 0.2, 0.2], 0.99, 0.33, 500)
    ),
}


def pixels_of(content):
    """A file's pixels `(H, W, 3)`, in [0, 1]."""
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")) / 255


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_drawn_and_leaves_no_trace(name):
    """A PNG of sensible size with something on it; matplotlib's own settings stay as they were."""
    before = dict(matplotlib.rcParams)
    figure = FIGURES[name]()
    picture = pixels_of(figure.png)
    assert 100 <= picture.shape[0] <= 1200
    assert 300 <= picture.shape[1] <= 1200
    assert figure.image.width <= round(FIGURE_WIDTH * DPI)
    assert picture.std() > 0.01
    assert all((figure.name, figure.title, figure.caption, figure.alt))
    assert dict(matplotlib.rcParams) == before


def test_a_figure_is_the_same_every_time():
    """The same arrays give the same bytes."""
    table = normal(11, 64)
    first, second = (tables.class_table(table, np.eye(11)).png for _ in range(2))
    assert first == second


def test_columns_stand_side_by_side():
    """At full size, row by row; a sentence stands in place of a figure that could not be drawn."""
    figures = [FIGURES["loss"](), FIGURES["sum"]()]
    one, two = (
        Column("yours", "a file", figures),
        Column("the reference", "b", ["not yet", *figures[1:]]),
    )
    assert two.complaints == ["not yet"]
    alone, both = pixels_of(side_by_side([one])), pixels_of(side_by_side([one, two]))
    assert alone.shape[1] >= FIGURE_WIDTH * DPI
    assert both.shape[1] > 2 * FIGURE_WIDTH * DPI
    assert np.array_equal(both[:, : alone.shape[1]], alone)
    assert both[:, alone.shape[1] :].std() > 0.01


def test_captions_stand_below_and_a_third_column_too():
    """The file gets taller, not wider, and every text is wrapped to its column."""
    figure = FIGURES["loss"]()
    wordy = replace(figure, caption=figure.caption * 5)
    plain, long = (pixels_of(side_by_side([Column("yours", "", [f])])) for f in (figure, wordy))
    assert long.shape[1] == plain.shape[1]
    assert long.shape[0] > plain.shape[0] + 100
    one = Column("yours", "no_space_in_it" * 20, [figure])
    two, three = (pixels_of(side_by_side([one] * n)) for n in (2, 3))
    assert three.shape[1] == two.shape[1] <= 2100
    assert three.shape[0] > 1.8 * two.shape[0]
    edge = GAP // 2
    for pixels in (two, three):
        middle = pixels.shape[1] // 2
        assert (pixels[:, middle - edge + 1 : middle + edge - 1] == pixels.max()).all()
        assert (pixels[:, -edge:] == pixels.max()).all()


def test_the_same_images_are_noticed():
    """Every figure counts; what could not be drawn looks like nothing."""
    one, other = FIGURES["loss"](), FIGURES["sum"]()
    yours = Column("yours", "", [one, other])
    assert yours.looks_like(Column("a known mistake", "b", [replace(one), replace(other)]))
    assert not yours.looks_like(Column("a known mistake", "b", [one, one]))
    assert not Column("", "", ["not drawn"]).looks_like(Column("", "", ["not drawn"]))


def test_the_columns_of_digits_are_labelled():
    """Other labels above the columns give another picture."""
    digits = normal(3, 10, 8, 8)
    named, bare = (
        grids.grid_figure(digits, "", ["a"] * 3, labels) for labels in (images.DIGITS, [""] * 10)
    )
    assert [t.get_text() for t in named.axes[0].get_xticklabels()] == list("0123456789")
    assert named.axes[0].get_xticks().tolist() == bare.axes[0].get_xticks().tolist()


def test_a_wrong_label_stands_out():
    """A label that is neither kept nor null is shown with what it was; a float is not the same."""
    wrong = images.label_dropout(normal(20, 8, 8), LABELS, (LABELS + 1) % 10, 10, 0.1).draw()
    texts = {text.get_text() for text in wrong.axes[1].texts}
    assert texts == {f"{k} → {(k + 1) % 10}" for k in range(10)}
    floats = images.label_dropout(normal(20, 8, 8), LABELS, LABELS * 1.0, 10, 0.1).draw()
    assert "7 → 7.0" in {text.get_text() for text in floats.axes[1].texts}


def test_drawing_needs_no_window_and_no_pyplot():
    """The modules of the figures import neither."""
    modules = [name for name in sys.modules if name.startswith("kata.figures")]
    assert modules
    assert not any("pyplot" in vars(sys.modules[name]) for name in modules)


def test_a_mosaic_keeps_rows_and_columns():
    """Image [r, c] stands in row r and column c, with nan between the images."""
    pictures = np.arange(6.0).reshape(2, 3, 1, 1) * np.ones((2, 3, 8, 8))
    whole = grids.mosaic(pictures)
    assert whole.shape == (17, 26)
    assert [whole[4, c] for c in (4, 13, 22)] == [0, 1, 2]
    assert [whole[13, c] for c in (4, 13, 22)] == [3, 4, 5]
    assert np.isnan(whole[8]).all()
    assert np.isnan(whole[:, 8]).all()


def test_the_page_escapes_its_texts_and_holds_its_pictures():
    """Every picture inside with its alt text, missed claims marked, no address to fetch anything
    from.
    """
    figure = images.guided_fields(
        *normal(3, 8, 8), {w: normal(8, 8) for w in (1, 3, 5, 7)}, 7, 'a <b>"7"</b> & more'
    )
    page = render(
        "run.html",
        facts={"implementation": "<i>", "seed": 1, "device": "cpu", "versions": {"torch": "2"}},
        dataset="digits",
        parameters=1000,
        width=384,
        scale=4.0,
        document=DOCUMENT_LOSSES,
        accuracy=0.99,
        samples=20,
        headings=("scale", "share"),
        rows=[("w = 1", "96%")],
        expectations=[Expectation("a", "1", True), Expectation("b", "2", False)],
        figures=[figure],
    )
    assert "a &lt;b&gt;&#34;7&#34;&lt;/b&gt; &amp; more" in page
    assert "&lt;i&gt;" in page
    assert "<b>&#34;" not in page
    assert page.count("data:image/png;base64,") == page.count(" alt=") == 1
    assert 'width="{}" height="{}"'.format(*Image.open(io.BytesIO(figure.png)).size) in page
    assert "http" not in page
    assert ">holds<" in page
    assert ">missed<" in page
    assert "prefers-color-scheme: dark" in page


def test_a_template_lacks_nothing_in_silence():
    """A name that is not given is an error, rather than an empty place in a page."""
    with pytest.raises(UndefinedError):
        render("gallery.html", plane=None, playground=None, figures_by_step=[], predictions={})
