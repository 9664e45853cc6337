"""torch.add and torch.addcmul, with unsqueeze."""

import torch


def combine(time_embedding, class_embedding):
    if list(time_embedding.size()) != list(class_embedding.size()):
        raise ValueError("time and class embedding differ in shape")
    return torch.add(time_embedding, class_embedding)


def modulate(x, scale, shift):
    if x.dim() != 3:
        raise ValueError("x has three axes")
    for name, value in (("scale", scale), ("shift", shift)):
        if value.size() != x[:, 0].size():
            raise ValueError(f"{name} has another shape than a token of each sample")
    return torch.addcmul(x + shift.unsqueeze(1), x, scale.unsqueeze(1))
