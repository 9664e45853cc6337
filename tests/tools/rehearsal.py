"""A GPU played by the CPU: a graph that records operations and repeats them, and reads refused."""

from contextlib import contextmanager

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

READ = torch.ops.aten._local_scalar_dense.default


class NoReads(TorchDispatchMode):
    """Refuses to read a value of a tensor, for which Python would wait for a GPU."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function is READ:
            raise RuntimeError("called a synchronizing operation")
        return function(*args, **(kwargs or {}))


class Tape(NoReads):
    """Records every operation inside; `play` does them, on the same tensors in memory.

    A number that Python computed inside is recorded as it was, as in a CUDA graph. At the end, all
    that the operations changed is put back.
    """

    def __init__(self):
        super().__init__()
        self.operations, self.before = [], []

    def __exit__(self, *error):
        super().__exit__(*error)
        with torch.no_grad():
            for tensor, value in reversed(self.before):
                tensor.copy_(value)

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function._schema.is_mutable:
            changed = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
            self.before += [(tensor, tensor.clone()) for tensor in changed]
        result = super().__torch_dispatch__(function, types, args, kwargs)
        self.operations.append((function, args, kwargs or {}, result))
        return result

    @torch.no_grad()
    def play(self):
        """Do what was recorded; results go where they went."""
        for function, args, kwargs, result in self.operations:
            again = function(*args, **kwargs)
            for old, new in zip(tree_leaves(result), tree_leaves(again), strict=True):
                if isinstance(old, Tensor) and old.data_ptr() != new.data_ptr():
                    old.copy_(new)


def recorded_on_the_cpu(work, generator, device):
    """Play `kata.train.gpu.recorded`."""
    with Tape() as tape:
        result = work()

    def again():
        tape.play()
        return result

    return again


@contextmanager
def beside_on_the_cpu(device):
    """Play `kata.train.gpu.beside`."""
    yield


def play_a_gpu(monkeypatch):
    """Let a training on the CPU take the way of a GPU, in full precision."""
    monkeypatch.setattr("kata.train.loop.CAPTURED", ("cuda", "cpu"))
    monkeypatch.setattr("kata.train.gpu.no_waiting", NoReads)
    monkeypatch.setattr("kata.train.gpu.beside", beside_on_the_cpu)
    monkeypatch.setattr("kata.train.gpu.recorded", recorded_on_the_cpu)
