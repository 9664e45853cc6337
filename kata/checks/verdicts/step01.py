"""How the answers of step 1 are judged."""

from kata.checks.probes.step01 import LIMITS, MANY
from kata.checks.verdicts import BAD_LABELS, SAME, Criterion, close, counted

DRAWN = counted(MANY, 1e-9 / (3 * len(LIMITS)))

CRITERIA = {
    "every_row_is_drawn_from_the_same_small_gaussian": Criterion(DRAWN, DRAWN),
    # Of 2,000 labels the same share is dropped, as closely as chance allows, by those who drop alike.
    "nothing_is_dropped": Criterion(SAME, close(0.1)),
    "a_look_up_changes_nothing": Criterion(testimony=True),
    "labels_out_of_range_are_refused": BAD_LABELS,
    "labels_that_are_not_integers_are_refused": BAD_LABELS,
}
