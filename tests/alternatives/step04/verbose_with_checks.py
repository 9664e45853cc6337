"""Verbose and defensive, with helpers, checks of everything and a keyword extra."""


def _check_inputs(y: Tensor, drop_prob: float) -> None:
    """Validate the arguments of `drop_labels`."""
    if not isinstance(y, Tensor):
        raise TypeError(f"Expected y to be a torch.Tensor, got {type(y).__name__}.")
    if y.is_floating_point() or y.dtype == torch.bool:
        raise TypeError(f"Expected integer labels, got {y.dtype}.")
    if not (0.0 <= float(drop_prob) <= 1.0):
        raise ValueError(f"drop_prob must be in the interval [0, 1], got {drop_prob}.")


def _sample_drop_mask(
    size: int, drop_prob: float, device: torch.device, generator: torch.Generator | None
) -> Tensor:
    """Sample an independent Bernoulli variable per label."""
    sampling_device = generator.device if generator is not None else device
    uniform = torch.rand((size,), generator=generator, device=sampling_device)
    return (uniform < drop_prob).to(device=device)


def drop_labels(
    y: Tensor,
    drop_prob: float,
    null_class: int,
    generator: torch.Generator | None = None,
    *,
    return_mask: bool = False,
):
    """Randomly replace labels by the null class, without modifying the input."""
    _check_inputs(y, drop_prob)
    batch_size = y.shape[0]
    drop_mask = _sample_drop_mask(batch_size, drop_prob, y.device, generator)
    dropped_labels = y.clone()
    dropped_labels[drop_mask] = null_class
    if return_mask:
        return dropped_labels, drop_mask
    return dropped_labels
