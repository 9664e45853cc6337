"""A device that any machine has: values stay on the CPU, and mixtures are refused as on a GPU.

The device `meta` has no values, so that a range check fails on it, and its first use imports for
seconds.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

MIXES = {"__getitem__", "__setitem__", "index_put_", "copy_", "expand_as", "view_as", "reshape_as"}
"""Functions that take tensors of two devices; the result is on the first."""

MOVES = {"to", "type_as"}
"""Functions that bring a tensor to the device of another."""


class AnotherDevice(TorchFunctionMode):
    """As if all tensors were on a GPU, except those that are made without a device.

    A tensor of unknown origin counts as made on the GPU, and so does one that is made with
    `device=`: no correct answer is refused.
    """

    def __init__(self) -> None:
        super().__init__()
        self._on_cpu: dict[int, Tensor] = {}

    def on_cpu(self, value: object) -> bool:
        """Return whether a value is a tensor that would be on the CPU."""
        return id(value) in self._on_cpu

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        tensors = list(_tensors([*args, *kwargs.values()]))
        left = [t for t in tensors if self.on_cpu(t)]
        if name in ("numpy", "__array__") and len(left) < len(tensors):
            raise TypeError("only tensors on the CPU can be converted to NumPy")
        if name not in MIXES | MOVES and 0 < len(left) < len(tensors) and any(t.ndim for t in left):
            raise RuntimeError("expected all tensors on one device, found the GPU's and the CPU's")
        result = func(*args, **kwargs)
        if not isinstance(result, Tensor):
            return result
        if name == "cpu" or (name == "to" and any(isinstance(a, str) and a == "cpu" for a in args)):
            stays = True
            result = result.view(result.shape)  # another object than the tensor on the GPU
        elif name in MIXES:
            stays = self.on_cpu(args[0])
        elif name in MOVES or "device" in kwargs:
            stays = False
        else:
            stays = len(left) == len(tensors)
        self._on_cpu.pop(id(result), None)
        if stays:
            self._on_cpu[id(result)] = result
        return result


def fault_elsewhere(call: Callable[[], object]) -> str:
    """Return what is wrong with a call if all its tensors are on a GPU; nothing if all is well."""
    with AnotherDevice() as device:
        try:
            result = call()
        except NotImplementedError:
            raise
        except (RuntimeError, TypeError) as error:
            return f"raised {type(error).__name__}: {error}"
    return "returned a tensor on the CPU" if device.on_cpu(result) else ""


def _tensors(values: Iterable[object]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)
