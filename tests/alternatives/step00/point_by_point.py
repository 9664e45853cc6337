"""Lists of points and plain numbers, put together at the end."""


def point_on_path(x0, x1, t):
    if x0.shape != x1.shape or tuple(t.shape) != (len(x0),):
        raise ValueError("shapes do not fit")
    rows = [a + float(s) * (b - a) for a, b, s in zip(x0, x1, t, strict=True)]
    return torch.stack(rows)


def gaussian_velocity(x, t, mean, std):
    if std <= 0 or std == math.inf or std != std:
        raise ValueError("std")
    rows = []
    for point, s in zip(x, t.tolist(), strict=True):
        rest, m = 1 - s, mean.to(x)
        variance = rest * rest * std * std + s * s
        rows.append((s - rest * std * std) / variance * (point - rest * m) - m)
    return torch.stack(rows)


def walk_back(velocity, x1, num_steps=50):
    if num_steps < 1:
        raise ValueError("num_steps")
    x, i = x1, 0
    while i < num_steps:
        t = torch.tensor([1 - i / num_steps] * len(x1)).to(x1)
        x, i = torch.sub(x, velocity(x, t), alpha=1 / num_steps), i + 1
    return x
