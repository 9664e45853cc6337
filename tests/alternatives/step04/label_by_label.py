"""A loop over the labels, one torch.rand each, and a list that becomes a tensor at the end."""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0.0 <= drop_prob <= 1.0:
        raise ValueError(f"{drop_prob} is not a probability")
    labels = []
    for label in y.tolist():
        coin = torch.rand(1, generator=generator).item()
        labels.append(null_class if coin < drop_prob else label)
    return torch.tensor(labels, dtype=y.dtype, device=y.device)
