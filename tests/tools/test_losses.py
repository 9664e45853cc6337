"""Held-out losses, and the model as a classifier: which questions are asked, and closed forms of the answers."""

import pytest
import torch

from kata.testing.models import LabelField, PointMass
from kata.train.metrics import held_out_losses, labels_of_least_loss

NULL = 5


@pytest.fixture
def points():
    """Six different images a class, and the exact velocities to them."""
    return PointMass(torch.randn(NULL + 1, 1, 4, 4))


def test_the_exact_velocity_has_no_loss(points):
    """Where every class is one image, the right label has a loss of 0, up to rounding, and the others have not."""
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
    """Right, null, and wrong: neither right nor null, every other class among them; times one in each stratum."""
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
    """N * pairs * K samples; the labels of an image share point and time; the times of its pairs fill [0, 1]."""
    model = LabelField(NULL, channels=1)
    labels_of_least_loss(model, torch.randn(2, 1, 4, 4), NULL, seed=0, pairs=4)
    assert model.evaluated == 2 * 4 * NULL
    for number, (x, t, y) in enumerate(model.calls):
        assert y.view(2, NULL).tolist() == [[0, 1, 2, 3, 4]] * 2
        assert (x.view(2, NULL, -1).std(dim=1) == 0).all()
        assert (t.view(2, NULL).std(dim=1) == 0).all()
        assert (number / 4 <= t).all()
        assert (t <= (number + 1) / 4).all()
