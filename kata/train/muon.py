"""PyTorch's Muon, with one product for all matrices of a shape.

`torch.optim.Muon` takes the matrices one by one, each through fifteen small products in bfloat16.
On a CPU that is a quarter of a step of a small model; stacked, in float32, they are a tenth.
"""

from collections import defaultdict
from typing import Any

import torch
from torch import Tensor, nn


class StackedMuon(torch.optim.Muon):
    """`torch.optim.Muon`: the same settings, the same state, the same step, to rounding.

    But for `adjust_lr_fn`: the rate of tall matrices is always the original one.
    """

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Step along the gradients of the parameters that have one; closure: not supported."""
        if closure is not None:
            raise ValueError("StackedMuon takes no closure: call it after backward()")
        for group in self.param_groups:
            alike: dict[tuple[int, int], list[nn.Parameter]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    short, long = sorted(parameter.shape)
                    alike[short, long].append(parameter)
            for parameters in alike.values():
                self._step_together(parameters, group)

    def _step_together(self, parameters: list[nn.Parameter], group: dict[str, Any]) -> None:
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        momenta = [self._momentum_of(parameter) for parameter in parameters]
        torch._foreach_lerp_(momenta, gradients, 1 - group["momentum"])
        if group["nesterov"]:
            momenta = list(torch._foreach_lerp(gradients, momenta, group["momentum"]))
        wide = torch.stack([momentum if _is_wide(momentum) else momentum.T for momentum in momenta])
        updates = orthogonalized(wide, group["ns_coefficients"], group["ns_steps"], group["eps"])
        torch._foreach_mul_(list[Tensor](parameters), 1 - group["lr"] * group["weight_decay"])
        for parameter, update in zip(parameters, updates, strict=True):
            rows, columns = parameter.shape
            rate = group["lr"] * max(1.0, rows / columns) ** 0.5
            parameter.add_(update if _is_wide(parameter) else update.T, alpha=-rate)

    def _momentum_of(self, parameter: nn.Parameter) -> Tensor:
        state = self.state[parameter]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(parameter)
        momentum: Tensor = state["momentum_buffer"]
        return momentum


def orthogonalized(
    matrices: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float
) -> Tensor:
    """Return matrices `(..., M, N)`, M at most N, with singular values near 1, `(..., M, N)`.

    Each step maps every singular value s, at first below 1, to a s + b s^3 + c s^5, where (a, b, c)
    are the coefficients: a Newton-Schulz iteration (Jordan et al., "Muon: an optimizer for hidden
    layers in neural networks", 2024). eps: the least norm that a matrix is divided by.
    """
    a, b, c = coefficients
    x = matrices / matrices.norm(dim=(-2, -1), keepdim=True).clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x


def _is_wide(matrix: Tensor) -> bool:
    return matrix.shape[0] <= matrix.shape[1]
