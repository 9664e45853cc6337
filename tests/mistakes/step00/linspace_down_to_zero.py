"""linspace(1, 0, num_steps) with dt = 1 / num_steps: the last time is 0, and the spacing is wrong.

Seen in: our own thinking
Caught by: test_velocity_is_evaluated_at_one_to_dt
"""


def walk_back(velocity, x1, num_steps=50):
    if num_steps < 1:
        raise ValueError("num_steps")
    x = x1
    for time in torch.linspace(1, 0, num_steps, dtype=x1.dtype):
        x = x - velocity(x, time.expand(len(x1))) / num_steps
    return x
