"""The velocity of the cloud by conditional means, and the walk by recursion."""


def gaussian_velocity(x, t, mean, std):
    if not math.isfinite(std) or std <= 0:
        raise ValueError("std must be positive")
    t, mean = t.to(x).view(-1, 1), mean.to(x).view(1, 2)
    score = -(x - (1 - t) * mean) / ((1 - t).square() * std**2 + t.square())
    noise = -t * score
    data = mean - (1 - t) * std**2 * score
    return noise - data


def walk_back(velocity, x1, num_steps=50):
    if num_steps < 1:
        raise ValueError("num_steps must be positive")

    def walked(x, left):
        if left == 0:
            return x
        t = torch.ones(len(x), dtype=x.dtype) * left / num_steps
        return walked(x - velocity(x, t) / num_steps, left - 1)

    return walked(x1, num_steps)
