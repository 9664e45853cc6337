"""How the answers of step 7 are judged."""

from kata.checks.verdicts import BAD_LABELS, Criterion, close
from kata.checks.verdicts.noise import REPEATED, standard_normal

LANDED = Criterion(close(1e-4), close(1e-4))
TESTIMONY = Criterion(testimony=True)


CRITERIA = {
    "sample_lands_on_the_image_of_the_null_class": LANDED,
    "guidance_lands_where_the_formula_says": LANDED,
    "the_whole_path_is_eulers": LANDED,
    "the_whole_path_of_sample_is_eulers": LANDED,
    "times_go_from_one_to_dt": Criterion(close(2e-4), close(2e-4), testimony=True),
    "cost_in_samples_evaluated": TESTIMONY,
    "given_noise_is_the_starting_point": TESTIMONY,
    "noise_is_standard_normal": standard_normal(6 * 3 * 30 * 40),
    "every_sample_has_noise_of_its_own": TESTIMONY,
    "generator_decides_the_result": REPEATED,
    "without_a_generator_the_global_one_is_used": REPEATED,
    "labels_as_tensor_list_or_number": LANDED,
    "null_class_is_a_label_like_any_other": LANDED,
    "bad_labels_are_refused": BAD_LABELS,
    "no_steps_are_refused": TESTIMONY,
    "eval_mode_meanwhile_and_the_old_mode_afterwards": TESTIMONY,
    "no_graph_is_recorded": TESTIMONY,
    "device_is_that_of_the_model": TESTIMONY,
    "each_class_in_the_order_of_the_classes": LANDED,
    "each_class_follows_the_given_noise": LANDED,
    "defaults": LANDED,
}
