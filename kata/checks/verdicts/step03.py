"""How the answers of step 3 are judged."""

from kata.checks.verdicts import Criterion, close, refused

CRITERIA = {
    # Numbers of bfloat16 have three digits, and right formulas round them differently.
    "dtype_of_the_velocities_is_kept": Criterion(close(0.02), close(0.02)),
    "scale_of_another_shape_is_refused": refused(ValueError),
    "guide_changes_no_input": Criterion(testimony=True),
    "cost_in_samples_evaluated": Criterion(testimony=True),
    "model_is_asked_at_the_same_point_twice": Criterion(testimony=True),
    "mode_and_gradients_are_left_alone": Criterion(testimony=True),
    "guided_velocity_changes_no_input": Criterion(testimony=True),
}
