"""Where the contract leaves a learner free, the solutions are strict: shapes that do not fit are
never broadcast.
"""

import pytest
import torch

from kata.course.loader import Implementation
from kata.course.steps import STEPS
from kata.testing.models import LabelField


@pytest.fixture(scope="module")
def solve():
    """The public names of all solutions."""
    implementation = Implementation("solutions")
    modules = {s: implementation.module(s) for s in STEPS}
    return {name: getattr(module, name) for s, module in modules.items() for name in s.public}


@pytest.mark.parametrize("shape", [(1, 5), (2, 5), (3, 1), (5,), (3, 4, 5)])
def test_modulate_does_not_broadcast(solve, shape):
    """Scale and shift must be (B, F)."""
    x, right, wrong = torch.ones(3, 4, 5), torch.ones(3, 5), torch.ones(shape)
    for scale, shift in ((wrong, right), (right, wrong)):
        with pytest.raises(ValueError, match="scale and shift"):
            solve["modulate"](x, scale, shift)


@pytest.mark.parametrize(
    ("image", "noise", "times"),
    [
        ((3, 1, 2, 2), (1, 1, 2, 2), 3),
        ((3, 1, 2, 2), (3, 1, 2, 2), 1),
        ((3, 1, 2, 2), (3, 1, 2, 2), 2),
    ],
)
def test_interpolate_does_not_broadcast(solve, image, noise, times):
    """One noise and one time for every image."""
    with pytest.raises(ValueError, match="one shape"):
        solve["interpolate"](torch.ones(image), torch.ones(noise), torch.ones(times))


def test_labels_that_are_not_integers_are_refused(solve):
    """Samplers say what labels must be."""
    for labels in ([0.5, 1.0], [True, False]):
        with pytest.raises(TypeError, match="integers"):
            solve["sample_conditional"](LabelField(3, 1), labels, (1, 2, 2), num_classes=3)
    with pytest.raises(ValueError, match=r"0 \.\. 3"):
        solve["sample_conditional"](LabelField(3, 1), [0, 4], (1, 2, 2), num_classes=3)


@pytest.mark.parametrize("name", ["sample", "compare_cfg_scales", "compare_modes"])
def test_noise_of_another_shape_is_refused(solve, name):
    """The starting point is one noise a sample."""
    counts = {"sample": {"num_samples": 3, "image_shape": (1, 2, 2)}}
    options = counts.get(name, {"num_samples": 3, "image_shape": (1, 2, 2), "num_classes": 8})
    with pytest.raises(ValueError, match="noise must have shape"):
        solve[name](LabelField(8, 1), noise=torch.ones(1, 1, 2, 2), **options)


def test_one_label_a_sample_or_there_is_no_fidelity(solve):
    """A label alone is not compared with every sample."""
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        solve["fidelity"](torch.ones(3, 1, 2, 2), torch.tensor([1]), lambda x: x.flatten(1))
