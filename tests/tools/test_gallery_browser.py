"""The playground in a real browser: it shows what was chosen, by keyboard alone, in light and
dark.
"""

import io
import statistics

import numpy as np
import pytest
from rich.console import Console

from kata.course.steps import STEPS
from kata.figures.curve import HEIGHT, LEFT, PANELS, RIGHT, WIDTH, Curve
from kata.learn.gallery import write_gallery
from kata.learn.workspace import open_workspace
from kata.pages import render
from kata.pages.playground import Walks, playground_of

SCALES, NOISES = (0, 0.5, 1, 1.5, 2, 3, 4, 5, 7), 4
TIMES = [1 - i / 8 for i in range(9)]
SIZE = 28
CURVE = Curve((0, 1, 2, 4, 7), (0.1, 0.9, 1, 1, 1), (0.4, 0.3, 0.2, 0.2, 0.25), 0.98, 0.33, 500)


def coded_walks():
    """Images that tell which they are: four quarters, whose greys are digit, noise, time and
    scale.
    """
    shape = (10, NOISES, len(TIMES), len(SCALES), SIZE, SIZE)
    half = SIZE // 2
    points = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    corners = ((0, 0), (0, half), (half, 0), (half, half))
    for axis, (top, left) in enumerate(corners):
        which = np.arange(shape[axis]).reshape([-1 if i == axis else 1 for i in range(6)])
        points[..., top + 2 : top + 8, left + 2 : left + 8] = 1 - 2 * which / 15
    read = np.broadcast_to(np.arange(10)[:, None, None], (*shape[:2], len(SCALES)))
    return Walks(SCALES, TIMES, points, points.copy(), read)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("gallery") / "index.html"
    playground = playground_of(coded_walks(), CURVE)
    text = render(
        "gallery.html",
        drawn_by="some",
        plane=None,
        playground=playground,
        figures_by_step=[],
        predictions={},
    )
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def opened(browser, page):
    """Opens the page with a choice in its address."""

    def open_(choice="", **look):
        browser.look(**look)
        browser.open(f"{page.as_uri()}#{choice}")
        browser.wait(f"({SHOWN})('sample').every(Number.isInteger)")
        return browser

    yield open_
    assert browser.complaints == []


@pytest.mark.slow
def test_the_page_of_kata_gallery(browser, tmp_path):
    """All steps and the playground, from a checkpoint that ships: less than 3 MB, no error,
    a digit.
    """
    found = write_gallery(open_workspace("solutions"), Console(file=io.StringIO()), tmp_path)
    assert found.missing == ()
    assert found.steps == STEPS
    assert found.page.stat().st_size < 4_000_000
    assert "://" not in found.page.read_text(encoding="utf-8")
    browser.look()
    browser.open(f"{found.page.as_uri()}#digit=7&scale=4&t=0")
    ink = """(() => {
      const { data } = document.getElementById("sample").getContext("2d").getImageData(4, 4, 20, 20);
      return data.filter((v, i) => i % 4 === 0 && v < 64).length / 400;
    })()"""
    browser.wait(f"0.02 < {ink} && {ink} < 0.5")
    said = browser.run("document.getElementById('said').textContent")
    assert "read as 7" in said
    assert browser.run("document.getElementById('measured-now').textContent").startswith("w = 4: ")
    assert browser.run("document.querySelectorAll('#points circle').length") > 0
    before = browser.run("document.scrollingElement.scrollHeight")
    shifted = browser.run(
        """new Promise((resolve) => {
          let shifted = 0;
          new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) shifted += entry.value;
          }).observe({ type: "layout-shift", buffered: true });
          for (let y = 0; y < document.scrollingElement.scrollHeight; y += 400) scrollTo(0, y);
          setTimeout(() => resolve(shifted), 500);
        })"""
    )
    assert shifted < 0.01
    assert browser.run("document.scrollingElement.scrollHeight") == before
    assert browser.run("[...document.images].every((i) => i.complete && i.naturalWidth > 0)")
    assert browser.complaints == []


SHOWN = """(id) => {
  const pixels = document.getElementById(id).getContext("2d");
  return [[5, 5], [19, 5], [5, 19], [19, 19]].map(([x, y]) => {
    const [grey, , , alpha] = pixels.getImageData(x, y, 1, 1).data;
    return alpha ? grey / 17 : null;
  });
}"""
"""The digit, noise, time and scale that a canvas shows; greys rise with the number."""


MIDDLE = f"""(id) => {{
  const whole = document.querySelector(".curve").getBoundingClientRect();
  const {{ x, y, width, height }} = document.getElementById(id).getBoundingClientRect();
  return [(x + width / 2 - whole.x) * {WIDTH} / whole.width, (y + height / 2 - whole.y) * {HEIGHT} / whole.height];
}}"""
"""Where a mark of the curve stands, in the units of the drawing."""


@pytest.mark.parametrize(
    ("choice", "indices"),
    [
        ("", [7, 0, 8, 6]),
        ("digit=3&noise=2&scale=0&t=1", [3, 1, 0, 0]),
        ("digit=9&noise=4&scale=7&t=0.5", [9, 3, 4, 8]),
        ("digit=12&noise=0&scale=2.9&t=x", [7, 0, 8, 5]),
    ],
)
def test_the_address_chooses_what_is_shown(opened, choice, indices):
    """On both canvases, in words, and on the curve; nonsense chooses nothing."""
    browser = opened(choice)
    assert browser.run(f"({SHOWN})('sample')") == indices
    browser.wait(f"({SHOWN})('end').every(Number.isInteger)")
    assert browser.run(f"({SHOWN})('end')") == indices
    digit, noise, time, scale = indices
    said = browser.run("document.getElementById('said').textContent")
    assert f"Noise {noise + 1}, " in said
    assert f"w = {SCALES[scale]}, t = {round(TIMES[time], 2):g}: " in said
    assert (f"asked for a {digit}" in said) == (scale != 0)
    measured = CURVE.at(SCALES[scale])
    x = LEFT + (WIDTH - LEFT - RIGHT) * SCALES[scale] / CURVE.scales[-1]
    for name, most, (top, bottom) in (
        ("fidelity", 1, PANELS[0]),
        ("diversity", 1.15 * max(CURVE.diversity), PANELS[1]),
    ):
        y = bottom - (bottom - top) * measured[name] / most
        assert browser.run(f"({MIDDLE})('mark-{name}')") == pytest.approx([x, y], abs=0.5)
        assert browser.run(f"({MIDDLE})('line-{name}')")[0] == pytest.approx(x, abs=0.5)


def test_what_is_seen_is_told(opened):
    """Every picture has a text, and those of the playground change with what they show."""
    browser = opened("digit=4&t=1")
    label = "document.getElementById('sample').getAttribute('aria-label')"
    assert "pure noise" in browser.run(label)
    browser.run("location.hash = 'digit=4&t=0'")
    browser.wait(f"{label}.includes('read as 4')")
    unnamed = "[...document.querySelectorAll('canvas, svg, img')].filter(e => !(e.getAttribute('aria-label') || e.alt))"
    assert browser.run(f"{unnamed}.length") == 0


def test_the_keyboard_alone_reaches_and_moves_everything(opened):
    """Tab from control to control, arrows within each; the focus can be seen."""
    browser = opened()
    reached = []
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft", "Enter"):
        browser.press("Tab")
        reached.append(browser.run("document.activeElement.name || document.activeElement.id"))
        outline = browser.run(
            "getComputedStyle(document.activeElement.type === 'radio'"
            " ? document.activeElement.nextSibling : document.activeElement).outlineStyle"
        )
        assert outline == "solid"
        if key != "Enter":
            browser.press(key)
    assert reached == ["digit", "noise", "scale", "time", "walk"]
    browser.wait(f"({SHOWN})('sample').join() === '8,1,7,5'")


def test_the_walk_ends_at_the_image(opened):
    """The button starts at the noise and stops by itself."""
    browser = opened("t=0.5")
    browser.run("document.getElementById('walk').click()")
    assert browser.run(f"({SHOWN})('sample')")[2] == 0
    browser.wait(f"({SHOWN})('sample')[2] === 8")


def test_who_wants_no_motion_gets_none(opened):
    """With prefers-reduced-motion there is no walk."""
    shown = "getComputedStyle(document.getElementById('walk')).display !== 'none'"
    assert opened().run(shown)
    assert not opened(prefers_reduced_motion="reduce").run(shown)


def test_a_move_of_a_slider_is_answered_within_one_frame(opened):
    """The median of 200 moves, each drawn to the last pixel, lies within a frame at 60 Hz."""
    browser = opened()
    browser.wait(f"({SHOWN})('end').every(Number.isInteger)")
    took = browser.run(
        """(() => {
          const took = [];
          for (let i = 0; i < 200; i++) {
            const slider = document.getElementById(i % 2 ? "scale" : "time");
            const began = performance.now();
            slider.value = (i >> 1) % 9;
            slider.dispatchEvent(new Event("input", { bubbles: true }));
            for (const canvas of document.querySelectorAll("canvas"))
              canvas.getContext("2d").getImageData(0, 0, 1, 1);
            took.push(performance.now() - began);
          }
          return took;
        })()"""
    )
    median = statistics.median(took)
    print(f"a move takes {median:.2f} ms, the slowest {max(took):.1f} ms")
    assert median < 1000 / 60


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_sticks_out_sideways(opened, width):
    """On a phone as on a desktop; everything that is to be touched is large enough."""
    browser = opened(width=width)
    assert browser.run("document.scrollingElement.scrollWidth") <= width
    small = "[...document.querySelectorAll('.choices span, .sliders input, button')].filter(e => %s < 24)"
    for side in ("offsetWidth", "offsetHeight"):
        assert browser.run(f"({small % ('e.' + side)}).length") == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read_in_light_and_dark(opened, scheme):
    """Every text stands out from what is behind it by a contrast of at least 4.5 (WCAG 2.2, AA)."""
    browser = opened(prefers_color_scheme=scheme)
    behind, faint = browser.run(
        """(() => {
          const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
          const light = (c) => c.slice(0, 3)
            .map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
          const behind = (e) => {
            for (; e; e = e.parentElement) {
              const c = rgb(getComputedStyle(e).backgroundColor);
              if (c.length < 4 || c[3] > 0) return c;
            }
            return [255, 255, 255];
          };
          const faint = [];
          const texts = "p, h1, h2, legend, label, output, span, button, figcaption, svg text";
          for (const e of document.querySelectorAll(texts)) {
            const style = getComputedStyle(e);
            const [a, b] = [light(rgb(e.closest("svg") ? style.fill : style.color)), light(behind(e))];
            const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (contrast < 4.5) faint.push(`${e.tagName} ${e.textContent.slice(0, 20)} ${contrast}`);
          }
          return [light(behind(document.querySelector("h1"))), faint];
        })()"""
    )
    assert faint == []
    assert (behind < 0.1) == (scheme == "dark")


def test_predictions_and_answers_are_hidden_until_asked_for(browser, tmp_path):
    """A question stands open; what was predicted, and the answer, open at a click, and in print."""
    step = STEPS[3]
    path = tmp_path / "index.html"
    text = render(
        "gallery.html",
        drawn_by="some",
        plane=None,
        playground=None,
        figures_by_step=[(step, [])],
        predictions={step.number: ["a 1 < 2", ""]},
    )
    path.write_text(text, encoding="utf-8")
    browser.look()
    browser.open(path.as_uri())
    for question in step.questions:
        assert question.ask in browser.run("document.body.innerText")
        assert question.answer not in browser.run("document.body.innerText")
    browser.run("document.querySelector('summary').click()")
    shown = browser.run("document.body.innerText")
    assert step.questions[0].answer in shown
    assert "a 1 < 2" in shown
    assert step.questions[1].answer not in shown
    browser.call("Emulation.setEmulatedMedia", media="print")
    heights = (
        "[...document.querySelectorAll('details p')].map((p) => p.getBoundingClientRect().height)"
    )
    assert min(browser.run(heights)) > 0
    browser.call("Emulation.setEmulatedMedia", media="")


def test_the_page_is_complete_in_itself(page):
    """No address of anything else in it."""
    text = page.read_text(encoding="utf-8")
    assert "://" not in text
    assert "src=" not in text.replace('src="data:', "")
