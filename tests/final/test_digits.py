"""The final test: the ten steps together train on real handwritten digits and draw what they are
asked for.
"""

import sys

import pytest
from rich.console import Console

from kata.course import KataError
from kata.course.files import shown
from kata.lab.at_fault import say_steps_at_fault
from kata.lab.demo import DemoRequest, run_demo
from kata.lab.options import run_folder
from kata.runner.plugin import LAST_LINES


@pytest.mark.slow
def test_digits_are_drawn_as_asked(implementation, pytestconfig, capsys):
    """A low loss; read as asked at w = 1, 2 and 4, by chance at w = 0; diversity that falls with
    w. A minute or two.
    """
    if implementation.path.is_file():
        pytest.fail("the final test wants a folder with all ten steps", pytrace=False)
    impl, out = str(implementation.path), run_folder(None, "final")
    with capsys.disabled():
        print()
        console = Console(file=sys.stdout)
        try:
            met = run_demo(DemoRequest(impl=impl, out=out), console)
            why = (
                "" if met else "An expectation was missed: see the lines that begin with `missed`."
            )
        except KataError as error:
            why = str(error)
        who = say_steps_at_fault(impl, console) if why else ""
    if out.exists():
        pytestconfig.stash[LAST_LINES].append(f"page: {shown(out / 'index.html')}")
    if why:
        pytest.fail(f"{why} {who}".rstrip(), pytrace=False)
