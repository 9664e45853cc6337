"""The diagnosis: find the known mistake that gives the same answers as a step.

The learner's side calls `ask_and_write` and `compare_answers` in a warm process.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kata.course.loader import Implementation, StepError
from kata.course.steps import Step, step_by_number
from kata.course.variants import Mistake, read_mistake
from kata.criteria.answers import Answers, read_answers, write_answers
from kata.criteria.questions import ask, questions_of
from kata.criteria.rules import Subject
from kata.criteria.verdicts import alike, criteria_of, right

DIAGNOSIS_SEED = 2022
"""The seed of the inputs on which the learner's step and the known mistakes are compared."""

AT_MOST = 3
"""How many mistakes that answer alike are named; more of them would say nothing."""


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
    mistake in another; if any is wrong in its idea, only those are, so that a missing check hides
    nothing. First choice: a mistake that agrees in all answers about that name; of several, those
    that also agree in most of the other answers. Otherwise, if more than one thing is wrong: the
    mistake that explains most of the wrong answers about the idea, at least half of them, among all
    answers or among the values. It must not be wrong where the step is right.
    """
    comparison = _Comparison(step, answers, reference)
    for of in comparison.faulty(step.public):
        names = comparison.wrong_first(of)
        for weigh in (comparison.agreeing, comparison.explained, comparison.explained_values):
            weights = {mistake: weigh(names, theirs) for mistake, theirs in known.items()}
            best = max(weights.values(), default=0)
            nearest = [m for m, weight in weights.items() if weight == best > 0]
            if 0 < len(nearest) <= AT_MOST:
                exactly = weigh == comparison.agreeing
                return Diagnosis(of, tuple(sorted(nearest, key=_rarity)), exactly)
    return None


def ask_and_write(step: int, target: str, to: str, seed: int = DIAGNOSIS_SEED) -> None:
    """Ask the step of an implementation all its questions, and write the answers to a file."""
    asked = step_by_number(step)
    answers = ask(Implementation(target).module(asked), asked, seed)
    write_answers(Path(to), answers)


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
        self.wrong = self.amiss(self.questions, answers)

    def amiss(self, names: Iterable[str], answers: Answers) -> set[str]:
        """Return the questions that have a wrong answer."""
        return {
            name
            for name in names
            if not right(self.criteria[name], answers.get(name), self.reference[name])
        }

    def faulty(self, public: Sequence[str]) -> list[str]:
        """Return the public names that are written and wrong: in their idea, if there are any."""
        written = [of for of in public if any(map(self._is_written, self._wrong(of)))]
        most = max(map(self._subject, written), default=Subject.IDEA)
        return [of for of in written if self._subject(of) == most]

    def wrong_first(self, of: str) -> list[str]:
        """Return the questions about a public name; wrong answers distinguish mistakes soonest."""
        return sorted(self._about(of), key=lambda name: name not in self.wrong)

    def _about(self, of: str) -> list[str]:
        return [name for name, question in self.questions.items() if question.of == of]

    def _wrong(self, of: str) -> list[str]:
        return [name for name in self._about(of) if name in self.wrong]

    def _subject(self, of: str) -> Subject:
        """Return what is wrong about a public name: of several subjects, the most important."""
        return max(self.criteria[name].subject for name in self._wrong(of))

    def _is_written(self, name: str) -> bool:
        return name in self.answers and self.answers[name].error != "NotImplementedError"

    def agree(self, name: str, theirs: Answers) -> bool:
        """Return whether a mistake's answer is the step's: of errors, the message counts too."""
        return (
            name in self.answers
            and name in theirs
            and alike(self.criteria[name], self.answers[name], theirs[name])
            and self.answers[name].message == theirs[name].message
        )

    def agreeing(self, names: Sequence[str], theirs: Answers) -> int:
        """Return on how many questions a mistake agrees, or 0 if not on all of `names`."""
        if not all(self.agree(name, theirs) for name in names):
            return 0
        if not self.amiss(self.questions, theirs) <= self.wrong:
            return 0
        return sum(self.agree(name, theirs) for name in self.questions)

    def explained_values(self, names: Sequence[str], theirs: Answers) -> int:
        """Return how many of the wrong values a mistake explains, if it explains most; else 0."""
        return self.explained([n for n in names if not self.criteria[n].testimony], theirs)

    def explained(self, names: Sequence[str], theirs: Answers) -> int:
        """Return how many of the wrong answers a mistake explains, if most; else 0.

        If the idea is wrong, they are those about the idea.
        """
        wrong = self.wrong.intersection(names)
        most = max((self.criteria[name].subject for name in wrong), default=Subject.IDEA)
        asked = [name for name in names if self.criteria[name].subject >= most]
        wrong &= set(asked)
        amiss = self.amiss(asked, theirs)
        explains = amiss <= wrong and all(self.agree(name, theirs) for name in amiss)
        return len(amiss) if explains and 2 * len(amiss) >= len(wrong) else 0


def _rarity(mistake: Mistake) -> tuple[int, str]:
    """Return a key that sorts a mistake first if it was seen in many public places."""
    places = 0 if "our own thinking" in mistake.seen_in else 1
    return -places - len(re.findall(r"[;,]", mistake.seen_in)) * places, mistake.name
