"""A device that exists on every machine and refuses to meet the CPU, as a GPU does.

PyTorch's own "meta" has no values, so that a correct answer may fail there, and it is slow to load.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

THERE = "meta"
"""The name of the device. Its tensors keep their values on the CPU."""


class There(Tensor):
    """A tensor on the device THERE, made from one on the CPU."""

    here: Tensor

    @staticmethod
    def __new__(cls, here: Tensor) -> "There":
        self: There = Tensor._make_wrapper_subclass(
            cls, here.shape, strides=here.stride(), dtype=here.dtype, device=torch.device(THERE)
        )
        self.here = here
        return self

    def tolist(self) -> Any:
        return self.here.tolist()

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        with torch._C.DisableTorchFunctionSubclass():
            return function(*args, **(kwargs or {}))

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, op: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return _run(op, args, dict(kwargs or {}))


class TwoDevices(TorchDispatchMode):
    """Inside of `with TwoDevices():` the device THERE works, and mixing it with the CPU fails."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else PyTorch loads its compiler, which takes seconds

    def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(op, args, dict(kwargs or {}))


def _run(op: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    given = [value for value in tree_leaves((args, kwargs)) if isinstance(value, Tensor)]
    there = any(isinstance(value, There) for value in given)
    asked = kwargs.get("device")
    moves = asked is not None or "copy_" in str(op)
    if there and not moves and any(not isinstance(v, There) and v.ndim > 0 for v in given):
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but found at least two devices, "
            f"{THERE} and cpu! ({op})"
        )
    if asked is not None:
        there, kwargs["device"] = torch.device(asked).type == THERE, torch.device("cpu")
    args, kwargs = tree_map(lambda v: v.here if isinstance(v, There) else v, (args, kwargs))
    result = op(*args, **kwargs)
    return tree_map(lambda v: There(v) if isinstance(v, Tensor) else v, result) if there else result
