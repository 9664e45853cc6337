"""What is measured on samples, and what is said of it."""

import pytest
import torch

from kata.train.metrics import (
    Measurement,
    expectations,
    measure,
    read_as_asked,
    share_outside,
    spread_within_class,
)

LEAST = {1: 0.95, 2: 0.99, 4: 0.995}


def measured(shares, spreads):
    """One measurement a scale."""
    rows = zip((0, 1, 2, 4, 7), shares, spreads, strict=True)
    return [Measurement(w, 500, share, spread, 0.0) for w, share, spread in rows]


GOOD = ((0.1, 0.96, 1.0, 1.0, 1.0), (0.42, 0.30, 0.25, 0.22, 0.23))


def test_all_expectations_hold_where_they_should():
    """Six of them, each with what was measured."""
    found = expectations(measured(*GOOD), 0.33, LEAST)
    assert len(found) == 6
    assert all(e.holds for e in found)
    assert any("96.0%" in e.measured for e in found)


@pytest.mark.parametrize(
    ("shares", "spreads"),
    [
        ((0.16, 0.96, 1.0, 1.0, 1.0), GOOD[1]),
        ((0.04, 0.96, 1.0, 1.0, 1.0), GOOD[1]),
        ((0.1, 0.948, 1.0, 1.0, 1.0), GOOD[1]),
        ((0.1, 0.96, 0.988, 1.0, 1.0), GOOD[1]),
        ((0.1, 0.96, 1.0, 0.994, 1.0), GOOD[1]),
        (GOOD[0], (0.42, 0.26, 0.25, 0.22, 0.23)),
        (GOOD[0], (0.42, 0.30, 0.25, 0.26, 0.23)),
    ],
)
def test_each_expectation_can_be_missed(shares, spreads):
    """Exactly one of them is, and the others hold."""
    found = expectations(measured(shares, spreads), 0.33, LEAST)
    assert sum(not e.holds for e in found) == 1


def test_the_spread_divides_by_the_number_of_images():
    """As torch does with correction=0, class by class, however many images a class has."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(9, 2, 3, 5, generator=generator)
    labels = torch.tensor([4, 4, 4, 4, 4, 7, 7, 7, 7])
    parts = [images[:5], images[5:]]
    expected = sum(p.std(dim=0, correction=0).mean().item() for p in parts) / 2
    assert spread_within_class(images, labels) == pytest.approx(expected)


def test_what_cannot_be_measured_is_refused():
    """One image of a class, no image at all, labels of another number."""
    one = torch.zeros(3, 1, 2, 2)
    with pytest.raises(ValueError, match="one image"):
        spread_within_class(one, torch.tensor([0, 0, 1]))
    for images, labels in ((one, torch.tensor([0, 1])), (one[:0], torch.tensor([]))):
        with pytest.raises(ValueError, match="one label an image"):
            read_as_asked(images, labels, lambda x: x)


def test_chunks_do_not_change_the_share():
    """The last chunk may be smaller."""
    images = torch.randn(23, 1, 2, 2)
    labels = torch.arange(23) % 4
    whole = read_as_asked(images, labels, lambda x: x.flatten(1))
    assert read_as_asked(images, labels, lambda x: x.flatten(1), chunk=7) == whole
    assert measure(2, images, labels, lambda x: x.flatten(1)).read_as_asked == whole


def test_over_saturation_is_counted_a_little_beyond_one():
    """Pixels at 1.04 are not counted, those at -1.1 and 3 are."""
    assert share_outside(torch.tensor([0.0, 1.04, -1.1, 3.0])) == 0.5
