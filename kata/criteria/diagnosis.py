"""The diagnosis: find the known mistake that gives the same answers as a step."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kata.course.steps import Step
from kata.course.variants import Mistake
from kata.criteria.answers import Answers
from kata.criteria.questions import questions_of
from kata.criteria.verdicts import alike, criteria_of, right


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
