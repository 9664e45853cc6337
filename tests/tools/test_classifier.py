"""The classifier that reads samples: trained once, kept in the cache folder."""

import pytest
import torch

from kata.train import classifier as classifiers
from kata.train.checkpoints import read_checkpoint
from kata.train.classifier import cached_at, cached_classifier
from kata.train.data import Dataset


@pytest.fixture
def data():
    """Ten classes, each a constant grey of its own with noise on it."""
    labels = torch.arange(10).repeat(30)
    images = labels.view(-1, 1, 1, 1) / 5 - 1 + 0.01 * torch.randn(300, 1, 8, 8)
    return Dataset("digits", images[:200], labels[:200], images[200:], labels[200:])


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
