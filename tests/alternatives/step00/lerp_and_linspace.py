"""torch.lerp for the path, the times by linspace, and every point as a difference."""


def point_on_path(x0, x1, t):
    if x0.size() != x1.size() or t.size() != x0.size()[:1]:
        raise ValueError(f"got {x0.shape}, {x1.shape}, {t.shape}")
    return torch.lerp(x0, x1, t.type_as(x0).unsqueeze(-1))


def path_velocity(x0, x1):
    if x0.size() != x1.size():
        raise ValueError(f"got {x0.shape} and {x1.shape}")
    return torch.sub(x1, x0)


def walk_back(velocity, x1, num_steps=50):
    if num_steps <= 0:
        raise ValueError("no steps")
    times = torch.linspace(1, 0, num_steps + 1, dtype=torch.float64)
    x = x1.clone()
    for i in range(num_steps):
        now, then = times[i], times[i + 1]
        x += (then - now).item() * velocity(x, now.to(x1).expand(x1.size(0)))
    return x
