"""How the answers of step 8 are judged."""

from kata.checks.verdicts import Criterion, Values, close, seen
from kata.checks.verdicts.noise import REPEATED, standard_normal

LANDED = Criterion(close(1e-4), close(1e-4))
TESTIMONY = Criterion(testimony=True)


def number(tolerance: float) -> Criterion:
    """Numbers within a tolerance: floats, ints, tensors or of NumPy."""
    return Criterion(close(tolerance, dtype=False), close(tolerance, dtype=False))


def _affordable(values: Values) -> Values:
    """The times, and whether a step cost at most two velocities for each of the 4 samples at both scales."""
    return {
        name: value if name.endswith("times") else value <= 2 * 4 * 2
        for name, value in values.items()
    }


CRITERIA = {
    "entry_s_i_is_noise_i_guided_with_scale_s": LANDED,
    "each_scale_leads_where_the_formula_says": LANDED,
    "all_scales_start_from_the_same_noise": TESTIMONY,
    "noise_is_standard_normal": standard_normal(5 * 3 * 40 * 30),
    "generator_decides_the_result": REPEATED,
    "without_a_generator_the_global_one_is_used": REPEATED,
    "steps_and_cost": Criterion(seen(_affordable, close(2e-4)), testimony=True),
    "model_is_left_as_it_was_found": TESTIMONY,
    "defaults": LANDED,
    "fidelity_is_the_share_read_as_asked": number(1e-6),
    "fidelity_shows_the_samples_as_they_are": number(1e-6),
    "diversity_is_the_mean_standard_deviation_of_a_pixel": number(1e-3),
    "diversity_of_two_samples": number(1e-3),
    "diversity_does_not_see_what_all_samples_share": number(1e-3),
    "diversity_of_equal_samples_is_zero": number(1e-2),
    "diversity_needs_two_samples": TESTIMONY,
}
