"""The page of a run in a real browser: it fits a phone, prints, and nothing on it moves."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from kata.lab.demo import DemoRequest, run_demo
from kata.train.presets import RECIPES

from .browser import Browser

TINY = replace(
    RECIPES["digits"], rounds=2, batches_per_round=3, classifier_epochs=1, num_steps=2, per_class=2
)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "run"
    run_demo(DemoRequest(out=folder), Console(file=io.StringIO()), TINY)
    return folder / "index.html"


@pytest.fixture(scope="module")
def browser(needs_browser, page):
    started = Browser(needs_browser)
    started.open(page.as_uri())
    yield started
    assert started.complaints == []
    started.close()


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_the_page_fits_every_width(browser, width):
    """Nothing but tables and pictures in their own frames is wider than the window."""
    browser.look(width)
    assert browser.run("document.documentElement.scrollWidth") <= width


def test_every_picture_says_its_size(browser):
    """The size in the page is that of the file, so that the text stays where it is."""
    sizes = """[...document.images].map(
        (i) => [i.getAttribute("width") - i.naturalWidth, i.getAttribute("height") - i.naturalHeight]
    )"""
    found = browser.run(sizes)
    assert len(found) == 11
    assert all(size == [0, 0] for size in found)


def test_dark_and_print(browser):
    """Dark where the reader wants it; ink on white paper, where no picture is cut in two."""
    background = "getComputedStyle(document.body).backgroundColor"
    browser.look(prefers_color_scheme="dark")
    dark = browser.run(background)
    browser.look(prefers_color_scheme="light")
    assert browser.run(background) != dark
    is_dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    browser.call("Emulation.setEmulatedMedia", media="print", features=is_dark)
    assert browser.run(background) == "rgb(255, 255, 255)"
    assert browser.run("getComputedStyle(document.body).color") == "rgb(28, 28, 34)"
    breaks = "getComputedStyle(document.querySelector('figure')).breakInside"
    assert browser.run(breaks) == "avoid"
    browser.call("Emulation.setEmulatedMedia", media="", features=[])
