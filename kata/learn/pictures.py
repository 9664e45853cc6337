"""Which figures are drawn for each step, and how they are drawn: each by itself, in seconds."""

from collections.abc import Callable

import torch

from kata.course import KataError
from kata.course.steps import Step
from kata.figures.style import CaptionedFigure
from kata.learn import pictures_model, pictures_plane, pictures_sampling, pictures_training
from kata.learn.kit import OutOfTime, PictureKit, one_thread, same_draws, time_limit

StepPicture = Callable[[PictureKit], CaptionedFigure]

STEP_PICTURES: dict[int, tuple[StepPicture, ...]] = {
    0: (pictures_plane.points_in_plane,),
    1: (pictures_model.new_table, pictures_model.sizes, pictures_model.digits_as_asked),
    2: (pictures_model.summed, pictures_model.modulated, pictures_model.digits_by_modulate),
    3: (
        pictures_sampling.mixed_fields,
        pictures_sampling.denoised_by_scale,
        pictures_model.digits_as_asked,
    ),
    4: (
        pictures_training.labels_dropped,
        pictures_training.drops_counted,
        pictures_training.labels_kept,
    ),
    5: (pictures_model.inside_the_model, pictures_model.none_and_null),
    6: (
        pictures_training.straight_path,
        pictures_training.walk_after_training,
        pictures_training.training_loss,
    ),
    7: (pictures_sampling.one_walk, pictures_sampling.every_class, pictures_sampling.step_errors),
    8: (pictures_sampling.law_of_guidance, pictures_sampling.one_digit_by_scale),
    9: (pictures_sampling.modes_from_one_noise,),
    10: (pictures_model.trained_table,),
}
"""The pictures of each step, by its number, in the order in which they are shown."""

FIGURE_SECONDS = 30.0
"""How long the drawing of one figure may take."""


def figures_of_step(kit: PictureKit, step: Step) -> list[CaptionedFigure | str]:
    """Draw a step's figures; in place of one that cannot be drawn stands the sentence that says
    why.
    """
    return [draw_figure(kit, step, picture) for picture in STEP_PICTURES[step.number]]


def draw_figure(kit: PictureKit, step: Step, picture: StepPicture) -> CaptionedFigure | str:
    """Draw one figure of a step, in at most FIGURE_SECONDS, or return why it cannot be drawn."""
    try:
        with torch.enable_grad(), same_draws(), one_thread(), time_limit(FIGURE_SECONDS):
            return picture(kit).drawn()
    except OutOfTime:
        return (
            f"{step.file}: this figure was not ready after {FIGURE_SECONDS:g} seconds. "
            f"Look for a loop that runs too often, or run `kata check {step.number}`."
        )
    except KataError as error:
        return str(error)
    except (RuntimeError, TypeError, ValueError) as error:
        return (
            f"{step.file}: what it returns cannot be drawn ({error}). "
            f"Run `kata check {step.number}` to see what is wrong."
        )
