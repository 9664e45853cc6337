"""A second device on any machine: its tensors keep their values and refuse to meet the CPU's.

It calls itself `meta`, because torch must know the name. Unlike on torch's own `meta`, values may
be read, as a check of labels does. Its tensors are used inside `with two_devices()` only.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

ELSEWHERE = torch.device("meta")

Module = TypeVar("Module", bound=nn.Module)


class _Away(Tensor):
    """A tensor of the other device; its values are kept on the CPU."""

    kept: Tensor

    @staticmethod
    def __new__(cls, kept: Tensor) -> "_Away":
        away: _Away = torch.Tensor._make_wrapper_subclass(
            cls,
            kept.shape,
            kept.stride(),
            kept.storage_offset(),
            dtype=kept.dtype,
            device=ELSEWHERE,
        )
        away.kept = kept
        return away

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return _run(function, args, kwargs or {})


class _Operations(TorchDispatchMode):
    """Runs every operation as `_run` does."""


def _dispatch(
    mode: _Operations, function: Any, types: Any, args: Any = (), kwargs: Any = None
) -> Any:
    return _run(function, args, kwargs or {})


# Set from outside: for a method of the class body, torch imports its compiler, most of a second.
_Operations.__torch_dispatch__ = _dispatch  # type: ignore[assignment]


class _Functions(TorchFunctionMode):
    """Handles what torch does not split into operations."""

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if function in (torch.tensor, torch.as_tensor, torch.asarray) and _is_away(kwargs):
            return elsewhere(function(*args, **{**kwargs, "device": "cpu"}))
        if function is Tensor.tolist and isinstance(args[0], _Away):
            return args[0].kept.tolist()
        if function is Tensor.detach and isinstance(args[0], _Away):
            return _Away(args[0].kept.detach())  # torch's own fails in inference mode
        return function(*args, **kwargs)


@contextmanager
def two_devices() -> Iterator[None]:
    """Let tensors be made on ELSEWHERE."""
    with _Functions(), _Operations():
        yield


def _is_away(kwargs: Mapping[str, Any]) -> bool:
    device = kwargs.get("device")
    return device is not None and torch.device(device) == ELSEWHERE


def elsewhere(value: Tensor) -> Tensor:
    """Return a copy of a tensor on ELSEWHERE."""
    return _Away(value.detach().clone())


def moved(model: Module) -> Module:
    """Move a model's parameters and buffers to ELSEWHERE, and return it."""
    with two_devices():
        for part in model.modules():
            for name, parameter in part._parameters.items():
                if parameter is not None:
                    away = nn.Parameter(elsewhere(parameter), parameter.requires_grad)
                    part._parameters[name] = away
            for name, buffer in part._buffers.items():
                part._buffers[name] = None if buffer is None else elsewhere(buffer)
    return model


def values(result: Any) -> Any:
    """Return a tensor's values on the CPU, on whichever device it is, and other results as they
    are.
    """
    return _kept(result)


def fault_elsewhere(function: Callable[..., object], *inputs: Tensor) -> str:
    """Return what is wrong with a call whose inputs are on ELSEWHERE; nothing if all is well."""
    with two_devices():
        try:
            result = function(*map(elsewhere, inputs))
        except NotImplementedError:
            raise
        except (RuntimeError, TypeError) as error:
            return f"raised {type(error).__name__}: {error}"
    there = isinstance(result, Tensor) and result.device == ELSEWHERE
    return "" if there else "returned no tensor on the device of the inputs"


COPIES = ("aten::copy_", "aten::_to_copy")
INDEXED = ("aten::index", "aten::index_put", "aten::index_put_")  # a GPU takes indices of the CPU


def _run(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Compute on the CPU; refuse tensors of two devices; say where the result is."""
    name = function._schema.name
    tensors = [each for each in _leaves((args, *kwargs.values())) if isinstance(each, Tensor)]
    away = [each for each in tensors if isinstance(each, _Away)]
    here = [each for each in tensors if not isinstance(each, _Away) and each.ndim]
    allowed = name in COPIES or (name in INDEXED and isinstance(args[0], _Away))
    if away and here and not allowed:
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but {name.removeprefix('aten::')} "
            f"found at least two devices, {ELSEWHERE} and cpu!"
        )
    named = kwargs.get("device") is not None
    is_away = _is_away(kwargs) if named else bool(away)
    if is_away and kwargs.get("generator") is not None:
        raise RuntimeError(f"Expected a '{ELSEWHERE}' device type for generator but found 'cpu'")
    options = {**_mapped(_kept, kwargs), **({"device": "cpu"} if named else {})}
    result = function(*_mapped(_kept, args), **options)
    if name.endswith("_") and tensors:
        return args[0]
    return _mapped(_sent, result) if is_away else result


def _leaves(value: Any) -> Iterator[Any]:
    """What lists and tuples hold, and the lists and tuples in them."""
    if isinstance(value, list | tuple):
        for each in value:
            yield from _leaves(each)
    else:
        yield value


def _mapped(change: Callable[[Any], Any], value: Any) -> Any:
    """A value with all that it holds changed; torch's own tree_map takes several times as long."""
    if isinstance(value, list | tuple):
        return type(value)([_mapped(change, each) for each in value])
    if isinstance(value, dict):
        return {name: _mapped(change, each) for name, each in value.items()}
    return change(value)


def _kept(value: Any) -> Any:
    return value.kept if isinstance(value, _Away) else value


def _sent(value: Any) -> Any:
    return _Away(value) if isinstance(value, Tensor) else value
