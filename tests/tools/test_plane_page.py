"""The moving picture in the plane, in a real browser: sliders, keyboard, phone, no scripts."""

import statistics

import numpy as np
import pytest

from kata.pages import render
from kata.pages.plane import HALF_HEIGHT, HALF_WIDTH, UNIT, PlaneWalks, plane_of

SCALES = (0, 0.5, 1, 2, 4)
TIMES = [1 - i / 8 for i in range(9)]
COUNT = 20


def some_walks():
    """Points anywhere, so that each place tells its scale and time."""
    draw = np.random.default_rng(0).uniform
    shape = (len(SCALES), len(TIMES), COUNT, 2)
    classes = np.repeat([0, 1], COUNT // 2)
    return PlaneWalks(
        SCALES, TIMES, classes, draw(-2, 2, shape), draw(-1, 1, shape), draw(-1, 1, shape)
    )


WALKS = some_walks()


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("plane") / "index.html"
    text = render("plane_page.html", drawn_by="some", plane=plane_of(WALKS), figures=[])
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def opened(browser, page):
    """Opens the page; it must raise no error."""

    def open_(**look):
        browser.look(**look)
        browser.open(page.as_uri())
        return browser

    yield open_
    assert browser.complaints == []


PLACES = "[...document.querySelectorAll('#points circle')].map(c => [+c.getAttribute('cx'), +c.getAttribute('cy')])"
TIPS = (
    "[...document.querySelectorAll('#arrows line')]"
    ".map(l => ['x1', 'y1', 'x2', 'y2'].map(a => +l.getAttribute(a)))"
)


def move(browser, name, to):
    browser.run(
        f"(() => {{ const s = document.getElementById('plane-{name}'); s.value = {to};"
        " s.dispatchEvent(new Event('input', { bubbles: true })); })()"
    )


def test_without_scripts_the_end_of_the_walk_is_there():
    """At w = 1, as plain SVG, and complete in itself."""
    text = render("plane_page.html", drawn_by="some", plane=plane_of(WALKS), figures=[])
    x, y = np.rint(WALKS.points[SCALES.index(1), -1, 0] * [UNIT, -UNIT]).astype(int)
    assert f'cx="{x}" cy="{y}"' in text
    assert text.count("<circle") == COUNT
    assert "<noscript>" in text
    assert "://" not in text
    assert "src=" not in text


@pytest.mark.parametrize(("scale", "time"), [(0, 0), (3, 4), (4, 8), (2, 6)])
def test_the_sliders_choose_what_is_shown(opened, scale, time):
    """Every point stands where it was computed; the text names scale and time."""
    browser = opened()
    move(browser, "scale", scale)
    move(browser, "time", time)
    expected = np.rint(WALKS.points[scale, time] * [UNIT, -UNIT])
    np.testing.assert_array_equal(browser.run(PLACES), expected)
    said = browser.run("document.getElementById('plane-said').textContent")
    assert said.startswith(f"w = {SCALES[scale]:g}, t = {round(TIMES[time], 2):g}: ")
    assert browser.run("document.getElementById('walkers').getAttribute('aria-label')") == said


def test_the_guided_arrow_prolongs_the_other_two(opened):
    """Its tip is u + w (c - u) away from its point, and lies on the dashed line."""
    browser = opened()
    for scale, time in ((0, 2), (3, 4), (4, 1)):
        move(browser, "scale", scale)
        move(browser, "time", time)
        lines = np.array(browser.run(TIPS)).reshape(2, 4, 4)
        for through, guided, conditional, unconditional in lines:
            here, u, c = unconditional[:2], unconditional[2:], conditional[2:]
            np.testing.assert_allclose(guided[:2], here)
            np.testing.assert_allclose(guided[2:], u + SCALES[scale] * (c - u), atol=1.5)
            np.testing.assert_allclose(through[:2], u)


def test_the_keyboard_alone_reaches_everything(opened):
    """Both sliders by Tab and arrows, the button by Enter; then the walk runs to its end."""
    browser = opened()
    browser.press("Tab")
    browser.press("ArrowRight")
    assert browser.run("document.getElementById('plane-scale-now').textContent") == "w = 2"
    browser.press("Tab")
    browser.press("Home")
    assert browser.run("document.getElementById('plane-time-now').textContent") == "t = 1"
    browser.press("Tab")
    assert browser.run("document.activeElement.id") == "plane-walk"
    browser.run("document.getElementById('plane-walk').click()")
    browser.wait("document.getElementById('plane-time-now').textContent === 't = 0'")


def test_a_slider_is_answered_within_one_frame(opened):
    """The median of 100 moves, laid out again, lies within a frame at 60 Hz."""
    took = opened().run(
        """(() => {
          const took = [];
          for (let i = 0; i < 100; i++) {
            const slider = document.getElementById(i % 2 ? "plane-scale" : "plane-time");
            const began = performance.now();
            slider.value = (i >> 1) % 5;
            slider.dispatchEvent(new Event("input", { bubbles: true }));
            document.getElementById("walkers").getBBox();
            took.push(performance.now() - began);
          }
          return took;
        })()"""
    )
    assert statistics.median(took) < 1000 / 60


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_it_fits_a_phone(opened, width):
    """Nothing sticks out sideways; the drawing fills the width."""
    browser = opened(width=width)
    assert browser.run("document.scrollingElement.scrollWidth") <= width
    drawn = browser.run("document.getElementById('walkers').getBoundingClientRect().toJSON()")
    assert drawn["width"] > 0.7 * min(width, 700)
    assert drawn["width"] / drawn["height"] == pytest.approx(HALF_WIDTH / HALF_HEIGHT, rel=0.02)


def test_who_wants_no_motion_gets_none(opened):
    """With prefers-reduced-motion there is no walk; the sliders still work."""
    shown = "getComputedStyle(document.getElementById('plane-walk')).display !== 'none'"
    assert opened().run(shown)
    assert not opened(prefers_reduced_motion="reduce").run(shown)


def test_dark_is_dark(opened):
    """The drawing's paper follows the page, and points stand out from it."""
    colour = "getComputedStyle(document.querySelector('%s')).%s"
    found = {}
    for scheme in ("light", "dark"):
        browser = opened(prefers_color_scheme=scheme)
        found[scheme] = (
            browser.run(colour % ("#walkers", "backgroundColor")),
            browser.run(colour % ("#points circle", "fill")),
        )
    assert found["light"][0] != found["dark"][0]
    assert found["light"][1] != found["dark"][1]
