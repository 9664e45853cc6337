"""Stand-in models: small networks with a known velocity, so that a closed form tells the answer."""

import torch
from torch import Tensor, nn


class StandIn(nn.Module):
    """What all stand-ins share: model(x, t, y), with y = None for the null class, is recorded.

    After a run, `calls` holds the (x, t, y) of every call, y as int64 labels, and `modes` holds the
    training flag at every call.
    """

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.null_class = num_classes
        self.calls: list[tuple[Tensor, Tensor, Tensor]] = []
        self.modes: list[bool] = []

    def forward(self, x: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:
        labels = (
            torch.full((x.shape[0],), self.null_class, dtype=torch.int64, device=x.device)
            if y is None
            else y
        )
        if tuple(t.shape) != (x.shape[0],):
            raise AssertionError(
                f"The model was called with t of shape {tuple(t.shape)}; "
                f"expected ({x.shape[0]},), one time per sample."
            )
        if tuple(labels.shape) != (x.shape[0],):
            raise AssertionError(
                f"The model was called with labels of shape {tuple(labels.shape)}; "
                f"expected ({x.shape[0]},), one label per sample."
            )
        self.calls.append((x.detach().clone(), t.detach().clone(), labels.detach().clone()))
        self.modes.append(self.training)
        return self.velocity(x, t.to(x.dtype), labels)

    def velocity(self, x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        raise NotImplementedError

    @property
    def evaluated(self) -> int:
        """Return the number of samples evaluated so far."""
        return sum(x.shape[0] for x, _, _ in self.calls)

    @property
    def starts(self) -> Tensor:
        """Return the images at the first, the greatest time: each once, in sorted order."""
        if not self.calls:
            raise AssertionError("The model was never called; expected its velocity to be used.")
        latest = max(float(t.max()) for _, t, _ in self.calls) - 1e-4
        return torch.unique(torch.cat([x[t >= latest] for x, t, _ in self.calls]), dim=0)

    @property
    def times(self) -> list[float]:
        """Return the times of all calls: each once, to four decimals, the greatest first."""
        times = torch.cat([t for _, t, _ in self.calls]).unique().tolist() if self.calls else []
        return sorted({round(time, 4) for time in times}, reverse=True)


class PointMass(StandIn):
    """Each class, null included, is one single image mu[y]: v(x, t, y) = (x - mu[y]) / t.

    This is the exact velocity of the path from noise to that image. Euler's method lands on it in
    any number of steps, and with guidance on mu_u + w (mu_c - mu_u). mu: `(K + 1, C, H, W)`, a
    parameter. t is kept away from 0.
    """

    def __init__(self, mu: Tensor) -> None:
        super().__init__(num_classes=mu.shape[0] - 1)
        self.mu = nn.Parameter(mu.clone())

    def velocity(self, x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        return (x - self.mu[y]) / t.clamp(min=1e-6).view(-1, 1, 1, 1)


class GaussianWorld(StandIn):
    """Each class, null included, is a Gaussian cloud N(mean[y], spread[y]²): a model with a law.

    The exact velocity of the path x_t = (1 - t) x0 + t x1 from such a cloud to N(0, 1), with
    D = (1 - t)² s² + t²:

        v(x, t) = -m + (t - (1 - t) s²) (x - (1 - t) m) / D

    It is linear in x, so that guided samples are Gaussian again; `kata.testing.closed_forms` says
    which. mean: `(K + 1, C, H, W)`, a parameter; spread: `(K + 1,)`, above 0.
    """

    def __init__(self, mean: Tensor, spread: Tensor) -> None:
        super().__init__(num_classes=mean.shape[0] - 1)
        self.mean, self.spread = nn.Parameter(mean.clone()), nn.Parameter(spread.clone())

    def velocity(self, x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        t, variance = (v.view(-1, 1, 1, 1) for v in (t, self.spread[y].square()))
        m, rest = self.mean[y], 1 - t
        return (t - rest * variance) * (x - rest * m) / (rest**2 * variance + t**2) - m


class LabelField(StandIn):
    """A velocity that mixes image, time and label of each sample: x * a[y] + t * b[y] + c[y].

    A sample's velocity depends on nothing else. a, b, c: `(K + 1, channels, 1, 1)`, of `dtype`.
    """

    def __init__(self, num_classes: int, channels: int, dtype: torch.dtype = torch.float32) -> None:
        super().__init__(num_classes)
        rows = torch.Generator().manual_seed(num_classes)
        table = torch.randn(
            3, num_classes + 1, channels, 1, 1, generator=rows, dtype=torch.float64
        ).to(dtype)
        self.table = nn.Parameter(table)

    def velocity(self, x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        a, b, c = self.table[:, y]
        return x * a + t.view(-1, 1, 1, 1) * b + c


def redraw_zeros(model: nn.Module, seed: int = 0, scale: float = 0.1) -> None:
    """Replace every parameter that is all zeros by small random numbers, whatever its name.

    A head that starts at zero hides everything behind it: the output is 0 for every label, and no
    gradient passes.
    """
    source = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():
                drawn = torch.randn(parameter.shape, generator=source, dtype=torch.float64)
                parameter.copy_(scale * drawn)
