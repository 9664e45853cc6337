"""How the answers of step 10 are judged: the sign of a component and the dtype are free."""

import torch

from kata.checks.verdicts import Criterion, Rule, Values, close


def up_to_signs(tolerance: float) -> Rule:
    """Whether the columns of two answers are the same, each but for its sign."""
    near = close(tolerance, dtype=False)

    def same(a: Values, b: Values) -> bool:
        if {n: v.shape for n, v in a.items()} != {n: v.shape for n, v in b.items()}:
            return False
        turned = {
            n: b[n].double() * torch.where((a[n] * b[n]).sum(0) < 0, -1.0, 1.0).double() for n in b
        }
        return near(a, turned)

    return same


def judged(rule: Rule) -> Criterion:
    return Criterion(rule, rule)


VALUES, SINGLE = close(1e-6, dtype=False), close(1e-4, dtype=False)

CRITERIA = {
    "similarity_is_the_correlation_of_the_rows": judged(VALUES),
    "similarity_by_hand": judged(VALUES),
    "similarity_does_not_see_shift_and_length_of_a_row": judged(VALUES),
    "similarity_of_float32": judged(SINGLE),
    "similarity_changes_no_input": Criterion(testimony=True),
    "pca_is_the_projection_on_the_main_axes": judged(up_to_signs(1e-5)),
    "pca_has_two_components_by_default": judged(up_to_signs(1e-5)),
    "pca_columns_are_centred_uncorrelated_and_ordered": judged(VALUES),
    "pca_does_not_see_what_all_rows_share": judged(up_to_signs(1e-5)),
    "pca_changes_no_input": Criterion(testimony=True),
    "pca_of_float32": judged(up_to_signs(1e-3)),
}
