"""Loops over the samples, which broadcast (N, F) with (F,), and a sum by torch.stack."""

import torch


def combine(time_embedding, class_embedding):
    if time_embedding.ndim != class_embedding.ndim:
        raise ValueError(f"{time_embedding.ndim} axes and {class_embedding.ndim}")
    if any(a != b for a, b in zip(time_embedding.shape, class_embedding.shape, strict=True)):
        raise ValueError("sizes differ")
    return torch.stack((time_embedding, class_embedding)).sum(dim=0)


def modulate(x, scale, shift):
    gamma = scale + 1
    return torch.stack([x[i] * gamma[i] + shift[i] for i in range(x.shape[0])])
