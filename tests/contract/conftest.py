"""What the contract tests share: the warm runner, and the answers of many files to one seed."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kata.course.files import find_root
from kata.course.steps import Step
from kata.criteria.answers import Answers, read_answers
from kata.criteria.diagnosis import ask_and_write
from kata.runner.client import WarmRunner
from kata.runner.outcomes import Call

LIMIT = 120.0
ASK = f"{ask_and_write.__module__}:{ask_and_write.__name__}"


@pytest.fixture(scope="session")
def runner() -> Iterator[WarmRunner]:
    """Warm processes, one a core."""
    with WarmRunner(find_root()) as warm:
        yield warm


@pytest.fixture(scope="session")
def answers_of(runner, tmp_path_factory) -> Callable[[Step, Sequence[Path]], list[Answers]]:
    """Asks a step in many places the same questions, each in a process of its own, once."""
    seed = int.from_bytes(os.urandom(7), "big")
    print(f"seed {seed}")
    found: dict[tuple[Step, Path], Answers] = {}

    def ask(step: Step, target: Path) -> None:
        to = tmp_path_factory.mktemp("answers") / "answers"
        arguments = {"step": step.number, "target": str(target), "to": str(to), "seed": seed}
        reply = runner.call(Call(ASK, arguments, LIMIT))
        assert not reply.reason, f"{target}: {reply.reason}"
        found[step, target] = read_answers(to)

    def answers(step: Step, targets: Sequence[Path]) -> list[Answers]:
        with ThreadPoolExecutor(runner.workers) as pool:
            list(pool.map(lambda t: ask(step, t), [t for t in targets if (step, t) not in found]))
        return [found[step, target] for target in targets]

    return answers
