"""How the answers of step 5 are judged: to the rounding of a network in single precision."""

from kata.checks.probes import probes_of
from kata.checks.probes.step05 import LIMITS
from kata.checks.verdicts import BAD_LABELS, Criterion, close, counted
from kata.course.manifest import step

ROUNDED = close(1e-4)
DRAWN = counted(1024, 1e-9 / (11 * len(LIMITS)))

CRITERIA = {name: Criterion(ROUNDED, ROUNDED) for name in probes_of(step(5))} | {
    "new_model_starts_as_the_given_parts_do": Criterion(DRAWN, DRAWN),
    "every_parameter_gets_a_gradient": Criterion(close(1e-3), close(1e-3)),
    # Of 400 samples the same share is dropped, as closely as chance allows, by those who drop alike.
    "no_label_is_dropped": Criterion(ROUNDED, close(0.12)),
    "no_input_is_changed": Criterion(testimony=True),
    "labels_that_do_not_exist_are_refused": BAD_LABELS,
    "labels_of_another_shape_are_refused": BAD_LABELS,
}
