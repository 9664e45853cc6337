"""How like real images samples are: closed forms of the distances, the judge, and the classifier that is kept."""

import pytest
import torch

from kata.train import classifier as classifiers
from kata.train.checkpoints import read_checkpoint
from kata.train.classifier import Classifier, cached_at, cached_classifier
from kata.train.data import Dataset
from kata.train.metrics import (
    SampleScorer,
    frechet_distance,
    nearest_distances,
    of_each_class,
    smallest_class,
)


def test_frechet_of_shifted_and_stretched():
    """A shift by d costs |d|²; stretching by s about the mean costs (s - 1)² times the trace of the covariance."""
    a = torch.randn(40, 6, dtype=torch.float64)
    shift = torch.arange(6.0, dtype=torch.float64)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(a, a + shift) == pytest.approx(float(shift @ shift))
    stretched = a.mean(dim=0) + 3 * (a - a.mean(dim=0))
    assert frechet_distance(a, stretched) == pytest.approx(4 * float(a.var(dim=0).sum()))


@pytest.mark.parametrize(("rows", "others"), [(50, 30), (5, 9)], ids=["many rows", "few rows"])
def test_frechet_by_eigenvalues(rows, others):
    """The trace of the root is the sum of the roots of the eigenvalues of Σa Σb, also of singular ones."""
    a = torch.randn(rows, 7, dtype=torch.float64)
    b = torch.randn(others, 7, dtype=torch.float64) @ torch.randn(7, 7, dtype=torch.float64) + 1
    roots = torch.linalg.eigvals(a.T.cov() @ b.T.cov()).real.clamp(min=0).sqrt().sum()
    means = (a.mean(dim=0) - b.mean(dim=0)).square().sum()
    expected = means + a.var(dim=0).sum() + b.var(dim=0).sum() - 2 * roots
    assert frechet_distance(a, b) == pytest.approx(float(expected), rel=1e-5)
    assert frechet_distance(b, a) == pytest.approx(float(expected), rel=1e-5)


def test_a_covariance_needs_two_rows():
    with pytest.raises(ValueError, match="two rows"):
        frechet_distance(torch.zeros(1, 3), torch.zeros(5, 3))


def test_the_nearest_image():
    """A copy is at 0; an image that differs by 0.5 everywhere at 0.5; all as by comparing each with each."""
    others = torch.randn(300, 1, 4, 5)
    images = torch.cat([others[7:8], others[8:9] + 0.5, torch.randn(3, 1, 4, 5)])
    found = nearest_distances(images, others)
    by_hand = (images[:, None] - others).square().flatten(2).mean(dim=2).amin(dim=1).sqrt()
    assert torch.allclose(found, by_hand, atol=1e-3)
    assert float(found[0]) < 1e-3
    assert float(found[1]) <= 0.501


def test_so_many_of_each_class():
    """In their order, from the first asked for; two requests side by side share none."""
    labels = torch.tensor([1, 0, 1, 1, 0, 0, 1])
    assert of_each_class(labels, 2).tolist() == [1, 4, 0, 2]
    assert of_each_class(labels, 2, first=2).tolist() == [5, 3, 6]
    assert smallest_class(labels) == 3


@pytest.fixture
def data():
    """Ten classes, each a constant grey of its own with noise on it."""
    labels = torch.arange(10).repeat(30)
    images = labels.view(-1, 1, 1, 1) / 5 - 1 + 0.01 * torch.randn(300, 1, 8, 8)
    return Dataset("digits", images[:200], labels[:200], images[200:], labels[200:])


def test_the_judge_knows_copies_and_real_ones(data):
    """Copies of training images are at distance 0 and Fréchet distance 0; held-out images are near, not at 0."""
    judge = SampleScorer(data, Classifier(), per_class=7)
    assert judge.each == 7
    copies = of_each_class(data.labels, 7)
    scores = judge.samples(data.images[copies], data.labels[copies])
    assert scores.nearest < 1e-3
    assert scores.frechet == pytest.approx(0, abs=1e-6)
    real = judge.real()
    assert real.nearest > 0.005
    assert real.frechet > scores.frechet
    assert real.spread == pytest.approx(0.01, rel=0.2)


def test_halves_of_real_images_share_none(data):
    """More samples a class than half of the training images: each side takes that half."""
    assert SampleScorer(data, Classifier(), per_class=50).each == 10


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KATA_CACHE", str(tmp_path))
    monkeypatch.setitem(classifiers.EPOCHS, "digits", 1)
    return tmp_path


def never(*arguments):
    raise AssertionError("it was trained again")


@pytest.mark.usefixtures("cache")
def test_a_classifier_is_trained_once(data, monkeypatch):
    """The second time it comes from the cache, and is the same; on other data it would not."""
    first = cached_classifier(data)
    with monkeypatch.context() as patch:
        patch.setattr(classifiers, "train_classifier", never)
        second = cached_classifier(data)
    assert not second.training
    x = torch.randn(5, 1, 8, 8)
    assert torch.equal(first(x), second(x))
    other = Dataset("digits", -data.images, data.labels, data.images, data.labels)
    assert cached_at(other) != cached_at(data)


def test_a_damaged_cache_is_trained_anew(cache, data):
    """And one that cannot be written costs nothing but time."""
    expected = cached_classifier(data)
    file = cached_at(data) / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-3])
    found = cached_classifier(data)
    x = torch.randn(5, 1, 8, 8)
    assert torch.equal(found(x), expected(x))
    read_checkpoint(cached_at(data))
    for path in (cache / "classifiers").rglob("*"):
        path.unlink() if path.is_file() else None
    cached_at(data).rmdir()
    cached_at(data).write_text("no folder")
    assert torch.equal(cached_classifier(data)(x), expected(x))
