"""What is measured on samples and models: closed forms, and what is refused."""

import pytest
import torch

from kata.testing.models import LabelField, PointMass
from kata.train.classifier import Classifier
from kata.train.data import Dataset
from kata.train.metrics import (
    Measurement,
    SampleScorer,
    expectations,
    frechet_distance,
    held_out_losses,
    labels_of_least_loss,
    labels_read,
    measure,
    nearest_distances,
    of_each_class,
    read_as_asked,
    share_outside,
    smallest_class,
    spread_within_class,
)

LEAST = {1: 0.95, 2: 0.99, 4: 0.995}


def measured(shares, spreads):
    """One measurement per scale."""
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
        with pytest.raises(ValueError, match="one label per image"):
            read_as_asked(images[:, 0, 0, 0], labels)
        with pytest.raises(ValueError, match="one label per image"):
            spread_within_class(images, labels)


def test_chunks_do_not_change_the_share():
    """The last chunk may be smaller."""
    images = torch.randn(23, 1, 2, 2)
    labels = torch.arange(23) % 4
    read = labels_read(images, lambda x: x.flatten(1))
    assert labels_read(images, lambda x: x.flatten(1), chunk=7).equal(read)
    whole = read_as_asked(read, labels)
    assert measure(2, images, labels, lambda x: x.flatten(1)).read_as_asked == whole


def test_over_saturation_is_counted_a_little_beyond_one():
    """Pixels at 1.04 are not counted, those at -1.1 and 3 are."""
    assert share_outside(torch.tensor([0.0, 1.04, -1.1, 3.0])) == 0.5


def test_frechet_of_shifted_and_stretched():
    """A shift by d costs |d|²; stretching by s about the mean costs (s - 1)² times the trace of
    the covariance.
    """
    a = torch.randn(40, 6, dtype=torch.float64)
    shift = torch.arange(6.0, dtype=torch.float64)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(a, a + shift) == pytest.approx(float(shift @ shift))
    stretched = a.mean(dim=0) + 3 * (a - a.mean(dim=0))
    assert frechet_distance(a, stretched) == pytest.approx(4 * float(a.var(dim=0).sum()))


@pytest.mark.parametrize(("rows", "others"), [(50, 30), (5, 9)], ids=["many rows", "few rows"])
def test_frechet_by_eigenvalues(rows, others):
    """The trace of the root is the sum of the roots of the eigenvalues of Σa Σb, also of
    singular ones.
    """
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
    """A copy is at 0; an image that differs by 0.5 everywhere at 0.5; all as by comparing each
    with each.
    """
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


def test_the_scorer_knows_copies_and_real_ones(data):
    """Copies of training images are at distance 0 and Fréchet distance 0; held-out images are
    near, not at 0.
    """
    scorer = SampleScorer(data, Classifier(), per_class=7)
    assert scorer.each == 7
    copies = of_each_class(data.labels, 7)
    scores = scorer.samples(data.images[copies], data.labels[copies])
    assert scores.nearest < 1e-3
    assert scores.frechet == pytest.approx(0, abs=1e-6)
    real = scorer.real()
    assert real.nearest > 0.005
    assert real.frechet > scores.frechet
    assert real.spread == pytest.approx(0.01, rel=0.2)


def test_halves_of_real_images_share_none(data):
    """More samples per class than half of the training images: each side takes that half."""
    assert SampleScorer(data, Classifier(), per_class=50).each == 10


NULL = 5


@pytest.fixture
def points():
    """A different image per class, and the exact velocities to them."""
    return PointMass(torch.randn(NULL + 1, 1, 4, 4))


def test_the_exact_velocity_has_no_loss(points):
    """Where every class is one image, the right label has a loss of 0, up to rounding, and the
    others have not.
    """
    labels = torch.arange(NULL).repeat(3)
    losses = held_out_losses(points, points.mu.detach()[labels], labels, NULL, seed=0, draws=300)
    assert losses.right < 1e-4
    assert min(losses.null, losses.wrong) > 0.1
    assert losses.mix == pytest.approx(0.9 * losses.right + 0.1 * losses.null)


def test_the_loss_is_the_mean_square(points):
    """With all images 0 and the velocity x / t + c, the loss is c², whatever is drawn."""
    model = PointMass(torch.zeros(NULL + 1, 1, 4, 4))
    exact = model.velocity
    model.velocity = lambda x, t, y: exact(x, t, y) + 2.0 + (y == NULL).view(-1, 1, 1, 1)
    labels = torch.arange(NULL)
    losses = held_out_losses(model, torch.zeros(NULL, 1, 4, 4), labels, NULL, seed=1, draws=50)
    assert (losses.right, losses.wrong, losses.null) == pytest.approx((4, 4, 9), rel=1e-3)


def test_three_labels_are_asked_about_the_same_points():
    """Right, null, and wrong: neither right nor null, every other class among them; times one in
    each stratum.
    """
    model = LabelField(NULL, channels=1)
    labels = torch.arange(NULL)
    losses = held_out_losses(model, torch.randn(NULL, 1, 4, 4), labels, NULL, seed=2, draws=601)
    assert losses.draws == 605
    assert model.evaluated == 3 * 605
    wrong = []
    for start in range(0, len(model.calls), 3):
        (x, t, right), (x2, t2, null), (x3, t3, other) = model.calls[start : start + 3]
        assert torch.equal(x, x2)
        assert torch.equal(x, x3)
        assert torch.equal(t, t2)
        assert torch.equal(t, t3)
        assert (null == NULL).all()
        assert (other != right).all()
        wrong.append((other - right) % NULL)
    assert torch.cat(wrong).unique().tolist() == [1, 2, 3, 4]
    asked = torch.cat([right for _, _, right in model.calls[::3]])
    assert asked.bincount().tolist() == [121] * NULL
    times = torch.cat([t for _, t, _ in model.calls[::3]]).sort().values
    strata = torch.arange(605) / 605
    assert ((times > strata - 1e-5) & (times < strata + 1 / 605 + 1e-5)).all()


def test_the_seed_fixes_the_questions(points):
    labels = torch.arange(NULL)
    images = torch.randn(NULL, 1, 4, 4)
    a, b, c = (held_out_losses(points, images, labels, NULL, seed, 20) for seed in (1, 1, 2))
    assert a == b
    assert a != c


def test_least_loss_reads_the_label(points):
    """With exact velocities the model reads each image as its class."""
    labels = torch.arange(NULL).repeat(20)
    images = points.mu.detach()[labels]
    assert torch.equal(labels_of_least_loss(points, images, NULL, seed=0, pairs=2), labels)


def test_all_labels_are_held_against_the_same_pairs():
    """N * pairs * K samples; the labels of an image share point and time; the times of its pairs
    fill [0, 1].
    """
    model = LabelField(NULL, channels=1)
    labels_of_least_loss(model, torch.randn(2, 1, 4, 4), NULL, seed=0, pairs=4)
    assert model.evaluated == 2 * 4 * NULL
    for number, (x, t, y) in enumerate(model.calls):
        assert y.view(2, NULL).tolist() == [[0, 1, 2, 3, 4]] * 2
        assert (x.view(2, NULL, -1).std(dim=1) == 0).all()
        assert (t.view(2, NULL).std(dim=1) == 0).all()
        assert (number / 4 <= t).all()
        assert (t <= (number + 1) / 4).all()
