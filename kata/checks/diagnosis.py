"""The diagnosis: whose answers are these, the solution's, or a known mistake's?"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from kata.checks.probes import Answer, probes_of
from kata.checks.verdicts import alike, criteria_of, right
from kata.course.manifest import Step
from kata.course.mistakes import Mistake

Answers = Mapping[str, Answer]


@dataclass(frozen=True)
class Diagnosis:
    """The known mistakes whose answers are those of a step, the commonest first, and the name that they concern."""

    of: str
    mistakes: tuple[Mistake, ...]


def diagnose(
    step: Step, answers: Answers, reference: Answers, known: Mapping[Mistake, Answers]
) -> Diagnosis | None:
    """The mistake by which a step's answers come about; None where all are right or none is known.

    answers, reference, known: what the step, the solution and each known mistake answered to the
    same seed. The step's public names are looked at one by one, the first that answers wrongly
    first, so a name that is not written yet hides no mistake in another. Among mistakes that agree
    on that name, those that agree on most of the other answers are meant.
    """
    criteria = criteria_of(step)
    probes = probes_of(step)

    def agree(a: Answers, b: Answers, name: str) -> bool:
        return name in a and name in b and alike(criteria[name], a[name], b[name])

    for of in step.public:
        is_right = {
            name: right(criteria[name], answers.get(name), reference[name])
            for name, probe in probes.items()
            if probe.of == of
        }
        if all(is_right.values()):
            continue
        names = sorted(is_right, key=is_right.__getitem__)  # what is wrong tells mistakes apart
        matches = {
            mistake: sum(agree(answers, theirs, name) for name in probes)
            for mistake, theirs in known.items()
            if all(agree(answers, theirs, name) for name in names)
        }
        if matches:
            best = max(matches.values())
            nearest = [mistake for mistake, agreed in matches.items() if agreed == best]
            return Diagnosis(of, tuple(sorted(nearest, key=_rarity)))
    return None


def _rarity(mistake: Mistake) -> tuple[int, str]:
    """Sorts the mistake first that was seen in most public places."""
    places = 0 if "our own thinking" in mistake.seen_in else 1
    return -places - len(re.findall(r"[;,]", mistake.seen_in)) * places, mistake.name
