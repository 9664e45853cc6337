"""How the answers of step 4 are judged: coins may be drawn in any order, so numbers are compared as chance allows."""

from kata.checks.probes.step04 import CALLS, MANY, PAIRS
from kata.checks.verdicts import SAME, Criterion, Rule, close, counted, refused

COUNTS = 64
"""At most so many numbers are counted in one answer."""

SHARES = close(0.08)
"""Shares of 4,000 labels, each with a coin of its own, differ by less, but for once in 10^11 times."""


def coins(trials: int) -> Criterion:
    """Every number is one of so many coins that fell on null."""
    rule: Rule = counted(trials, 1e-9 / COUNTS)
    return Criterion(rule, rule)


CRITERIA = {
    "share_of_dropped_labels": coins(MANY),
    "zero_drops_nothing_and_one_drops_all": Criterion(SAME, SHARES),
    "labels_are_kept_or_null": Criterion(SHARES, SHARES),
    "every_class_is_dropped_equally_often": coins(CALLS),
    "number_of_drops_varies": coins(CALLS),
    "every_position_is_dropped_equally_often": coins(CALLS),
    "labels_are_dropped_independently": coins(PAIRS),
    "every_call_draws_anew": coins(MANY),
    "batch_of_one": coins(CALLS),
    "y_is_not_changed": Criterion(SAME, SHARES, testimony=True),
    "active_whenever_it_is_called": coins(MANY),
    "probability_outside_its_range_is_refused": refused(ValueError),
}
