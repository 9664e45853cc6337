"""The pytest plugin: which implementation is tested, and the fixtures that hand it to the tests.

pytest                         the learner's exercises/ by the tests of the steps
pytest --impl solutions        the solutions, and everything else in the project
pytest --impl PATH             any folder of step files, or one step's file
"""

import re
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import hypothesis
import hypothesis.configuration
import pytest

from kata.course.files import cache_folder, course_above, find_root, shown
from kata.course.loader import Implementation, StepError
from kata.course.steps import STEPS, step_of_file

if TYPE_CHECKING:
    from kata.testing.guard import Guarded

IMPLEMENTATION = pytest.StashKey[Implementation]()
LAST_LINES = pytest.StashKey[list[str]]()
"""What the final tests say at the very end: where their results are."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("kata", "the steps under test")
    group.addoption(
        "--impl",
        metavar="PATH",
        help="exercises (default), solutions, a folder or a file",
    )
    group.addoption("--assembled", action="store_true", help="take all steps from the same place")
    group.addoption("--thorough", action="store_true", help="try 500 examples per property, not 10")
    group.addoption("--slow", action="store_true", help="run the slow tests as well")
    group.addoption(
        "--mnist",
        action="store_true",
        help="let tests/final train on MNIST as well, about eight minutes on two cores",
    )


def pytest_configure(config: pytest.Config) -> None:
    course = _course_of(config)
    if course is None and not config.getoption("--impl"):
        return  # another project's tests, in an environment in which the course is installed
    _set_up_hypothesis(thorough=config.getoption("--thorough"))
    root = course or find_root()
    target = config.getoption("--impl") or root / "exercises"
    try:
        implementation = Implementation(target, config.getoption("--assembled"), root)
    except StepError as error:
        pytest.exit(str(error), returncode=2)
    config.stash[IMPLEMENTATION] = implementation
    config.stash[LAST_LINES] = []
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = [str(root / name) for name in _default_tests(implementation)]
    if config.inipath is None or config.inipath.parent.resolve() != root:  # settings not read
        config.option.importmode, config.option.tbstyle = "importlib", "short"
        for name in ("lfplugin", "nfplugin", "stepwise"):  # they would write beside the tested file
            config.pluginmanager.unregister(name=name)


def _course_of(config: pytest.Config) -> Path | None:
    """Return the course whose tests these are, links resolved; None for the tests of another
    project.

    The folder of pytest's settings decides, whatever its root is; without settings, the paths do.
    """
    if config.inipath is not None:
        folder = config.inipath.parent.resolve()
        return folder if course_above(folder) == folder else None
    here = config.invocation_params.dir
    paths = (here / argument.partition("::")[0] for argument in config.args)
    return next(filter(None, map(course_above, paths)), None)


def _set_up_hypothesis(thorough: bool) -> None:
    hypothesis.configuration.set_hypothesis_home_dir(cache_folder() / "hypothesis")
    hypothesis.settings.register_profile(
        "kata",
        deadline=None,
        derandomize=True,
        max_examples=500 if thorough else 10,
        database=None,
        # no shrinking: a smaller seed is no simpler
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
        report_multiple_bugs=False,
        print_blob=False,
        verbosity=hypothesis.Verbosity.quiet,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
    hypothesis.settings.load_profile("kata")


def _default_tests(implementation: Implementation) -> list[str]:
    """Return the tests that run if none are named: all for the solutions, else those of the
    steps.
    """
    if implementation.path == implementation.solutions:
        return ["tests"]
    is_folder = implementation.path.is_dir()
    return [f"tests/{s.test_file}" for s in STEPS if is_folder or s.number in implementation.files]


def pytest_report_header(config: pytest.Config) -> list[str]:
    implementation = config.stash.get(IMPLEMENTATION, None)
    if implementation is None:
        return []
    how = _how(config, implementation)
    asked = {step_of_file(Path(str(argument).partition("::")[0])) for argument in config.args}
    files = [
        paths[-1]
        for number, paths in implementation.files.items()
        if None in asked or STEPS[number] in asked
    ]
    if len(files) == 1:
        return [f"under test: {shown(files[0])} ({how})"]
    names = " ".join(path.name for path in files)
    return [f"under test: {shown(implementation.path)}/ ({how})", f"  {names}"]


def _how(config: pytest.Config, implementation: Implementation) -> str:
    """Return how the steps are used: the final tests always let them use each other."""
    final = implementation.root / "tests" / "final"
    here = config.invocation_params.dir
    places = [(here / argument.partition("::")[0]).resolve() for argument in config.args]
    are_final = [final in (place, *place.parents) for place in places]
    if implementation.assembled or all(are_final):
        return "assembled"
    return "isolated: each step among the solutions of the others" + (
        "; in tests/final assembled" if any(are_final) else ""
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of other steps than a single file's, and slow tests unless requested.

    Naming the folder or the file of the final tests requests them.
    """
    implementation = config.stash.get(IMPLEMENTATION, None)
    if implementation is None:
        return
    dropped = []
    for item in items:
        step = step_of_file(item.path)
        is_other_step = (
            implementation.path.is_file()
            and step is not None
            and step.number not in implementation.files
        )
        named = item.path.parent.name == "final" and any("final" in a for a in config.args)
        too_slow = item.get_closest_marker("slow") and not (config.getoption("--slow") or named)
        too_long = item.get_closest_marker("mnist") and not config.getoption("--mnist")
        if is_other_step or too_slow or too_long:
            dropped.append(item)
    config.hook.pytest_deselected(items=dropped)
    items[:] = [item for item in items if item not in dropped]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """If steps are tested together, name an unwritten step as the reason."""
    report = yield
    tested = step_of_file(item.path)
    implementation = item.config.stash.get(IMPLEMENTATION, None)
    if (
        implementation
        and tested
        and call.excinfo
        and call.excinfo.errisinstance(NotImplementedError)
    ):
        said = re.match(r"step (\d+): (\S+)", str(call.excinfo.value))
        if said and int(said[1]) < tested.number and int(said[1]) in implementation.files:
            missing = STEPS[int(said[1])]
            report.longrepr = (
                f"Step {tested.number} uses {said[2]} of step {missing.number}, which is not written yet: "
                f"{shown(implementation.files[missing.number][-1])} comes first."
            )
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Write where results are, and the next command as the last line, for a learner's own
    steps.
    """
    yield
    implementation = session.config.stash.get(IMPLEMENTATION, None)
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if implementation is None or terminal is None or session.config.option.collectonly:
        return
    for line in session.config.stash[LAST_LINES]:
        terminal.write_line(line)
    if implementation.path == implementation.solutions or implementation.changes:
        return
    failed, passed = (
        [step for r in terminal.getreports(kind) if (step := step_of_file(Path(r.location[0])))]
        for kind in ("failed", "passed")
    )
    option = implementation.options()
    if failed:
        is_begun = any(not step.is_optional for step in passed)
        first = next((s for s in failed if not (s.is_optional and is_begun)), failed[0])
        where = shown(implementation.files.get(first.number, (implementation.path,))[-1])
        terminal.write_line(f"next: kata check {first.number}{option}    {where}")
    elif passed:
        last = passed[-1]
        terminal.write_line(
            "next: kata" + ("" if last == STEPS[-1] else f" watch {last.number + 1}{option}")
        )


@pytest.fixture(scope="session")
def implementation(pytestconfig: pytest.Config) -> Implementation:
    """The implementation under test."""
    return pytestconfig.stash[IMPLEMENTATION]


@pytest.fixture(scope="module")
def step(implementation: Implementation, request: pytest.FixtureRequest) -> "Guarded | Unloadable":
    """The module under test, of the step to which the test file belongs; see `Guarded`."""
    from kata.testing.guard import Guarded

    tested = step_of_file(Path(request.path))
    if tested is None:
        raise LookupError(f"{request.path.name} is not the test file of a step")
    try:
        return Guarded(implementation.module(tested), tested.public)
    except StepError as error:
        return Unloadable(str(error))


class Unloadable:
    """Stands for a step that does not load: each test that uses it fails with the sentence that
    says why.
    """

    def __init__(self, why: str) -> None:
        self._why = why

    def __getattr__(self, name: str) -> NoReturn:
        __tracebackhide__ = True
        pytest.fail(self._why, pytrace=False)
