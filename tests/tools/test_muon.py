"""Muon on stacks of matrices: the singular values of its formula, and PyTorch's own steps."""

import pytest
import torch

from kata.train.muon import StackedMuon, orthogonalized

COEFFICIENTS = (3.4445, -4.775, 2.0315)
SHAPES = [(6, 4), (4, 6), (5, 5), (6, 4), (4, 12), (7, 3)]


@pytest.mark.parametrize("shape", [(3, 4, 9), (1, 5, 5), (2, 1, 6)])
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_singular_values_follow_the_polynomial(shape, steps):
    """U diag(s) V^T becomes U diag(p(...p(s))) V^T, with p(s) = a s + b s^3 + c s^5."""
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    u, s, v = torch.linalg.svd(matrices, full_matrices=False)
    s = s / s.square().sum(dim=-1, keepdim=True).sqrt()
    a, b, c = COEFFICIENTS
    for _ in range(steps):
        s = a * s + b * s**3 + c * s**5
    found = orthogonalized(matrices, COEFFICIENTS, steps, 1e-7)
    assert torch.allclose(found, u @ torch.diag_embed(s) @ v, atol=1e-9)


def test_a_gradient_of_zeros_changes_nothing():
    """Its norm is 0: it is divided by eps instead."""
    weight = torch.nn.Parameter(torch.ones(4, 3))
    weight.grad = torch.zeros(4, 3)
    StackedMuon([weight], weight_decay=0.0).step()
    assert torch.equal(weight, torch.ones(4, 3))


def well_conditioned(shape, generator):
    """A matrix whose singular values are all alike, so that bfloat16 moves them little."""
    u, _, v = torch.linalg.svd(torch.randn(shape, generator=generator), full_matrices=False)
    return u @ v


@pytest.mark.parametrize("nesterov", [True, False])
def test_its_steps_are_those_of_torch(nesterov):
    """Momentum, weight decay and the rate of tall matrices, in four steps from the same state;
    PyTorch's products are in bfloat16. A parameter without a gradient stays.
    """
    generator = torch.Generator().manual_seed(2)
    ours, theirs = ([torch.nn.Parameter(torch.zeros(shape)) for shape in SHAPES] for _ in range(2))
    settings = {"lr": 0.1, "momentum": 0.6, "weight_decay": 0.3, "nesterov": nesterov}
    optimizers = [StackedMuon(ours, **settings), torch.optim.Muon(theirs, **settings)]
    for _ in range(4):
        before = [torch.randn(shape, generator=generator) for shape in SHAPES]
        for mine, other, start in zip(ours, theirs, before, strict=True):
            mine.data.copy_(start)
            other.data.copy_(start)
            mine.grad = well_conditioned(mine.shape, generator)
            other.grad = mine.grad.clone()
        ours[2].grad = theirs[2].grad = None
        for optimizer in optimizers:
            optimizer.step()
        assert torch.equal(ours[2], before[2])
        for mine, other, start in zip(ours, theirs, before, strict=True):
            assert (mine - other).norm() <= 0.1 * (other - start).norm()
    mine, other = (optimizer.state_dict()["state"] for optimizer in optimizers)
    assert mine.keys() == other.keys()
    for number in mine:
        assert torch.allclose(mine[number]["momentum_buffer"], other[number]["momentum_buffer"])


def test_the_rate_of_tall_matrices_is_the_original_one():
    """Whatever `adjust_lr_fn` says."""
    steps = []
    for adjust in (None, "match_rms_adamw"):
        weight = torch.nn.Parameter(torch.zeros(8, 2))
        weight.grad = torch.eye(8, 2)
        StackedMuon([weight], lr=0.1, adjust_lr_fn=adjust).step()
        steps.append(weight.detach())
    assert torch.equal(*steps)
    assert steps[0].abs().max() > 0


def test_a_closure_is_refused():
    """A training step computes its gradients before."""
    with pytest.raises(ValueError, match="takes no closure"):
        StackedMuon([torch.nn.Parameter(torch.ones(2, 2))]).step(lambda: 0.0)
