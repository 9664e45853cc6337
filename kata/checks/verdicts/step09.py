"""How the answers of step 9 are judged."""

from kata.checks.verdicts import Criterion, close
from kata.checks.verdicts.noise import REPEATED, standard_normal

LANDED = Criterion(close(1e-4), close(1e-4))
TESTIMONY = Criterion(testimony=True)

CRITERIA = {
    "modes_lead_where_the_formula_says": LANDED,
    "sample_i_starts_from_noise_i": LANDED,
    "all_modes_start_from_the_same_noise": TESTIMONY,
    "noise_is_standard_normal": standard_normal(5 * 3 * 40 * 30),
    "cost_of_the_three_modes": Criterion(close(2e-4), close(2e-4), testimony=True),
    "generator_decides_the_result": REPEATED,
    "without_a_generator_the_global_one_is_used": REPEATED,
    "samples_within_a_mode_differ": TESTIMONY,
    "model_is_left_as_it_was_found": TESTIMONY,
    "defaults": LANDED,
}
