"""Ask a step all its questions, keep the answers in a file, and compare them with known mistakes.

The learner's side calls these functions in a warm process, which has already imported torch.
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
"""The seed of the inputs on which the learner's step and the known mistakes are compared."""


def ask_and_write(step: int, target: str, to: str, seed: int = DIAGNOSIS_SEED) -> None:
    """Ask the step of an implementation all its questions, and write the answers to a file."""
    asked = step_by_number(step)
    answers = ask(Implementation(target).module(asked), asked, seed)
    write_atomic(Path(to), encode_all(answers))


def read_answers(path: Path) -> Answers:
    """Return the answers in a file. Raise ValueError if the file is damaged."""
    decoded = decode(path.read_bytes())
    if decoded.broken or decoded.refused or not decoded.answers:
        raise ValueError(f"{path} holds no answers: {decoded.broken or 'it is empty'}")
    return decoded.answers


def compare_answers(
    step: int, target: str, assembled: bool, reference: str, known: dict[str, str]
) -> dict[str, object] | None:
    """Return the diagnosis of a step of an implementation, or None if there is none.

    reference: the file with the solution's answers; known: the files with the answers of mistakes,
    by the mistake's file. The diagnosis comes as a dict, with the mistakes as files.
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
