"""How the answers of step 3 are judged."""

from kata.checks.verdicts import Criterion

CRITERIA = {
    "scale_of_another_shape_is_refused": Criterion(testimony=True),
    "cost_in_samples_evaluated": Criterion(testimony=True),
}
