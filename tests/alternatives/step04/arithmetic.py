"""Arithmetic instead of a choice, doubles from a drawn-on tensor, and <= where others write <."""


def drop_labels(y, drop_prob, null_class, generator=None):
    p = float(drop_prob)
    if p != min(max(p, 0.0), 1.0):
        raise ValueError(drop_prob)
    where = y.device if generator is None else generator.device
    u = torch.empty(y.size(0), dtype=torch.float64, device=where).uniform_(generator=generator)
    drop = (1 - u <= p).to(y)
    return drop * null_class + (1 - drop) * y
