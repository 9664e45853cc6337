"""Loops over the samples, which broadcast (N, F) with (F,), and a sum by torch.stack."""

import torch


def combine(time_embedding, class_embedding):
    if time_embedding.ndim != class_embedding.ndim:
        raise ValueError(f"{time_embedding.ndim} axes and {class_embedding.ndim}")
    if any(a != b for a, b in zip(time_embedding.shape, class_embedding.shape, strict=True)):
        raise ValueError("sizes differ")
    return torch.stack((time_embedding, class_embedding)).sum(dim=0)


def modulate(x, scale, shift):
    if x.ndim != 3:
        raise ValueError("x is (B, N, F)")
    if {tuple(scale.shape), tuple(shift.shape)} != {(x.shape[0], x.shape[2])}:
        raise ValueError("scale and shift are (B, F)")
    gamma = scale + 1
    return torch.stack([x[i] * gamma[i] + shift[i] for i in range(x.shape[0])])
