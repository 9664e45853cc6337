"""In the style of a language model: helpers that check every argument, long messages, an alias,
a keyword extra.
"""

import torch


def _check_tensor(name: str, value: torch.Tensor, ndim: int | None = None) -> None:
    if not isinstance(value, torch.Tensor):
        raise TypeError(f"Expected {name} to be a torch.Tensor, but got {type(value).__name__}.")
    if ndim is not None and value.dim() != ndim:
        raise ValueError(f"Expected {name} to have {ndim} dimensions, but got {value.dim()}.")


def combine(
    time_embedding: torch.Tensor, class_embedding: torch.Tensor, *, check: bool = True
) -> torch.Tensor:
    """Combine the time and class embeddings into a single conditioning vector."""
    if check:
        _check_tensor("time_embedding", time_embedding)
        _check_tensor("class_embedding", class_embedding)
    if time_embedding.shape != class_embedding.shape:
        raise ValueError(
            "time_embedding and class_embedding must have the same shape, but got "
            f"{tuple(time_embedding.shape)} and {tuple(class_embedding.shape)}."
        )
    return torch.add(time_embedding, class_embedding)


def _broadcast_over_tokens(parameter: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """(B, F) -> (B, N, F)."""
    return parameter.unsqueeze(dim=1).expand_as(x)


def modulate(x: torch.Tensor, scale: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    """Apply adaptive layer-norm modulation: ``x * (1 + scale) + shift``."""
    _check_tensor("x", x, ndim=3)
    _check_tensor("scale", scale, ndim=2)
    _check_tensor("shift", shift, ndim=2)
    batch_size, _, num_features = x.size()
    for name, parameter in {"scale": scale, "shift": shift}.items():
        if parameter.size() != (batch_size, num_features):
            raise ValueError(f"Expected {name} of shape {(batch_size, num_features)}.")
    gamma = 1.0 + _broadcast_over_tokens(scale, x)
    beta = _broadcast_over_tokens(shift, x)
    return gamma * x + beta
