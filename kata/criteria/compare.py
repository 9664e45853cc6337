"""Ask a step all its questions, keep what it answered in a file, and say whose answers they are.

These are the functions that the learner's side calls in a warm process, which has imported torch.
"""

from pathlib import Path

from kata.course.files import write_atomic
from kata.course.loader import Implementation, StepError
from kata.course.steps import step_by_number
from kata.course.variants import read_mistake
from kata.criteria.answers import Answers, decode, encode_all
from kata.criteria.diagnosis import diagnose
from kata.criteria.questions import ask

DIAGNOSIS_SEED = 2022
"""Of the inputs on which the learner's step and the known mistakes are compared. Any number would do."""


def ask_and_write(step: int, target: str, to: str, seed: int = DIAGNOSIS_SEED) -> None:
    """Ask the step of an implementation everything, and write its answers to a file."""
    asked = step_by_number(step)
    answers = ask(Implementation(target).module(asked), asked, seed)
    write_atomic(Path(to), encode_all(answers))


def read_answers(path: Path) -> Answers:
    """Return the answers that a file holds; ValueError where it is damaged."""
    decoded = decode(path.read_bytes())
    if decoded.broken or decoded.refused or not decoded.answers:
        raise ValueError(f"{path} holds no answers: {decoded.broken or 'it is empty'}")
    return decoded.answers


def compare_answers(
    step: int, target: str, assembled: bool, reference: str, known: dict[str, str]
) -> dict[str, object] | None:
    """Whose answers the step of an implementation gives, the solution's or a known mistake's.

    reference: the file of the solution's answers; known: those of mistakes, by the mistake's file. Returns the
    fields of the diagnosis, the mistakes by their files; None where there is no diagnosis.
    """
    asked = step_by_number(step)
    try:
        module = Implementation(target, assembled).module(asked)
    except StepError:
        return None
    answers = ask(module, asked, DIAGNOSIS_SEED)
    mistakes = {
        read_mistake(Path(path), asked): read_answers(Path(file)) for path, file in known.items()
    }
    found = diagnose(asked, answers, read_answers(Path(reference)), mistakes)
    if found is None:
        return None
    files = [str(mistake.path) for mistake in found.mistakes]
    return {"of": found.of, "mistakes": files, "exactly": found.exactly}
