"""The diagnosis: find the known mistake that gives the same answers as a step.

The learner's side calls `ask_and_write` and `compare_answers` in a warm process.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kata.course.files import write_atomic
from kata.course.loader import Implementation, StepError
from kata.course.steps import Step, step_by_number
from kata.course.variants import Mistake, read_mistake
from kata.criteria.answers import Answers, encode_all, read_answers
from kata.criteria.questions import ask, questions_of
from kata.criteria.verdicts import alike, criteria_of, right

DIAGNOSIS_SEED = 2022
"""The seed of the inputs on which the learner's step and the known mistakes are compared."""


@dataclass(frozen=True)
class Diagnosis:
    """The known mistakes that explain a step's answers, the most common first.

    of: the public name that they concern; exactly: whether they explain all answers about that
    name, or only some of the wrong ones.
    """

    of: str
    mistakes: tuple[Mistake, ...]
    exactly: bool = True


def diagnose(
    step: Step, answers: Answers, reference: Answers, known: Mapping[Mistake, Answers]
) -> Diagnosis | None:
    """Return the mistakes that explain a step's answers.

    Return None if all answers are correct or no known mistake explains them. answers, reference,
    known: the answers of the step, the solution and each known mistake to the same seed.

    The step's public names are examined one by one, so that a name that is not written yet hides no
    mistake in another. First choice: a mistake that agrees in all answers about that name; of
    several, those that also agree in most of the other answers. Second choice, if more than one
    thing is wrong: the mistake that explains most of the wrong values, at least half of them. It
    must not give a wrong value where the step's is correct.
    """
    comparison = _Comparison(step, answers, reference)
    for of in step.public:
        names = comparison.wrong_first(of)
        if names and not comparison.is_right(names[0], answers):
            for weigh in (comparison.agreeing, comparison.explained):
                weights = {mistake: weigh(names, theirs) for mistake, theirs in known.items()}
                if best := max(weights.values(), default=0):
                    nearest = [m for m, weight in weights.items() if weight == best]
                    exactly = weigh == comparison.agreeing
                    return Diagnosis(of, tuple(sorted(nearest, key=_rarity)), exactly)
    return None


def ask_and_write(step: int, target: str, to: str, seed: int = DIAGNOSIS_SEED) -> None:
    """Ask the step of an implementation all its questions, and write the answers to a file."""
    asked = step_by_number(step)
    answers = ask(Implementation(target).module(asked), asked, seed)
    write_atomic(Path(to), encode_all(answers))


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


class _Comparison:
    """Compares a step's answers with those of the solution and of mistakes."""

    def __init__(self, step: Step, answers: Answers, reference: Answers) -> None:
        self.answers, self.reference = answers, reference
        self.criteria, self.questions = criteria_of(step), questions_of(step)

    def is_right(self, name: str, answers: Answers) -> bool:
        return right(self.criteria[name], answers.get(name), self.reference[name])

    def wrong_first(self, of: str) -> list[str]:
        """Return the questions about a public name; wrong answers distinguish mistakes soonest."""
        names = [name for name, question in self.questions.items() if question.of == of]
        return sorted(names, key=lambda name: self.is_right(name, self.answers))

    def agree(self, name: str, theirs: Answers) -> bool:
        return (
            name in self.answers
            and name in theirs
            and alike(self.criteria[name], self.answers[name], theirs[name])
        )

    def agreeing(self, names: Sequence[str], theirs: Answers) -> int:
        """Return on how many questions a mistake agrees, or 0 if not on all of `names`."""
        if not all(self.agree(name, theirs) for name in names):
            return 0
        return sum(self.agree(name, theirs) for name in self.questions)

    def explained(self, names: Sequence[str], theirs: Answers) -> int:
        """Return how many of the wrong values a mistake explains, if it explains most; else 0."""
        values = [name for name in names if not self.criteria[name].testimony]
        wrong = {name for name in values if not self.is_right(name, self.answers)}
        amiss = {name for name in values if not self.is_right(name, theirs)}
        count = sum(
            self.agree(name, theirs) and not self.answers[name].error for name in amiss & wrong
        )
        return count if amiss <= wrong and 2 * count >= len(wrong) else 0


def _rarity(mistake: Mistake) -> tuple[int, str]:
    """Return a key that sorts a mistake first if it was seen in many public places."""
    places = 0 if "our own thinking" in mistake.seen_in else 1
    return -places - len(re.findall(r"[;,]", mistake.seen_in)) * places, mistake.name
