"""Diagonal matrices and einsum; the walk adds up its moves."""


def point_on_path(x0, x1, t):
    if not (x0.ndim == 2 and x0.shape == x1.shape and t.shape == (x0.shape[0],)):
        raise ValueError("shapes do not fit")
    t = t.to(x0.dtype)
    return torch.diag(1 - t) @ x0 + torch.diag(t) @ x1


def path_velocity(x0, x1):
    if x0.shape != x1.shape:
        raise ValueError("shapes do not fit")
    return torch.einsum("snc,s->nc", torch.stack([x0, x1]), torch.tensor([-1.0, 1.0]).to(x0))


def gaussian_velocity(x, t, mean, std):
    if not (std > 0 and std != float("inf")):
        raise ValueError("std must be positive and finite")
    t = t.to(x.dtype)
    variance = ((1 - t) * std) ** 2 + t**2
    factor = (t - (1 - t) * std**2) / variance
    centred = x - torch.outer(1 - t, mean.to(x.dtype))
    return torch.einsum("n,nc->nc", factor, centred) - mean.to(x.dtype)


def walk_back(velocity, x1, num_steps=50):
    if not num_steps >= 1:
        raise ValueError("at least one step")
    dt, moved = 1.0 / num_steps, torch.zeros_like(x1)
    for left in range(num_steps, 0, -1):
        moved = moved + velocity(x1 - moved, torch.full_like(x1[:, 0], left * dt)) * dt
    return x1 - moved
