"""The pipeline: from an implementation's steps, a model and noise to images."""

import io

import pytest
import torch

from kata.testing.models import LabelField
from kata.train.checked_steps import CheckedSteps
from kata.train.checkpoints import Checkpoint, CheckpointError
from kata.train.pipeline import CLASSES, DRAWN_AT_A_TIME, Pipeline, SampleCounter, Sampling

SHAPE = (1, 4, 6)


@pytest.fixture(scope="module")
def steps():
    return CheckedSteps("solutions", io.StringIO())


@pytest.fixture(scope="module")
def model():
    return LabelField(CLASSES, channels=1)


def pipeline(steps, model, seed=0, **sampling):
    return Pipeline(steps, model, SHAPE, Sampling(**{"num_steps": 3, **sampling}), seed)


def test_the_seed_fixes_all_noise(steps, model):
    """Each call gives new noise; the same seed gives the same sequence."""
    a, b, c = (pipeline(steps, model, seed) for seed in (1, 1, 2))
    first, second = a.noise(5), a.noise(5)
    assert first.shape == (5, *SHAPE)
    assert not torch.equal(first, second)
    assert torch.equal(b.noise(5), first)
    assert not torch.equal(c.noise(5), first)


@pytest.mark.parametrize("sampling", [{}, {"method": "heun"}, {"interval": (0.2, 0.8)}], ids=str)
def test_batches_do_not_change_the_images(steps, model, sampling):
    """More labels than one batch takes: each image is that of its own label and noise."""
    drawing = pipeline(steps, model, **sampling)
    count = DRAWN_AT_A_TIME + 7
    labels, noise = torch.arange(count) % CLASSES, drawing.noise(count)
    images = drawing.draw(labels, 4.0, noise)
    some = torch.tensor([0, DRAWN_AT_A_TIME - 1, DRAWN_AT_A_TIME, count - 1])
    assert images.shape == noise.shape
    assert torch.allclose(images[some], drawing.draw(labels[some], 4.0, noise[some]), atol=1e-5)


def test_all_samplers_start_from_the_noise(steps, model):
    """Steps 7, 8 and 9 and `draw` agree on the images of one class at one scale."""
    drawing = pipeline(steps, model, seed=3)
    noise = drawing.noise(CLASSES * 2)
    images = drawing.draw(torch.arange(CLASSES).repeat_interleave(2), 4.0, noise)
    assert torch.allclose(drawing.each_class(2, 4.0, noise), images, atol=1e-5)
    grid = pipeline(steps, model, seed=3).grid(2, 4.0)
    assert grid.shape == (CLASSES, 2, *SHAPE[1:])
    assert torch.allclose(torch.from_numpy(grid).flatten(0, 1), images[:, 0], atol=1e-5)
    scales = pipeline(steps, model, seed=3).one_class_at_scales(0, (1, 4), 2)
    assert torch.allclose(scales[1], images[:2], atol=1e-5)
    modes = pipeline(steps, model, seed=3).modes(0, 2, 4.0)
    assert torch.allclose(torch.from_numpy(modes["guided"]), images[:2, 0], atol=1e-5)
    assert torch.allclose(torch.from_numpy(modes["conditional"]), scales[0, :, 0], atol=1e-5)


def test_samples_are_counted_while_the_counter_is_entered(model):
    """By position or by name; every call is passed on."""
    seen, x, t = [], torch.zeros(3, *SHAPE), torch.ones(3)
    with SampleCounter(model) as counter:
        counter.on_samples = seen.append
        model(x, t)
        model(x=x[:2], t=t[:2])
    model(x, t)
    assert (counter.total, seen) == (5, [3, 2])


def test_a_model_of_other_classes_is_refused(steps, tmp_path):
    """Ten digits are drawn, no less."""
    other = Checkpoint(tmp_path, {"model": {}}, {"model": {"num_classes": 3}, "dataset": "digits"})
    with pytest.raises(CheckpointError, match="other classes than ten digits"):
        Pipeline.from_checkpoint(steps, other, torch.device("cpu"), Sampling(), 0)


def test_a_generator_takes_the_place_of_the_noise(steps, model):
    """The same seed draws the same images, whatever noise the pipeline gave before."""
    drawing = pipeline(steps, model)
    a, b, c = (drawing.modes(2, 3, 4.0, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert all((a[name] == b[name]).all() for name in a)
    assert any((a[name] != c[name]).any() for name in a)
