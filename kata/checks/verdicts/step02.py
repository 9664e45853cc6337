"""How the answers of step 2 are judged."""

from kata.checks.verdicts import Criterion, refused

CRITERIA = {
    "shapes_that_differ_are_refused": refused(ValueError),
    "combine_changes_no_input": Criterion(testimony=True),
    "modulate_changes_no_input": Criterion(testimony=True),
}
