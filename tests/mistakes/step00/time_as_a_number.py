"""The velocity gets one number as time. It expects a tensor (N,), one time per point.

Seen in: our own thinking
Caught by: test_velocity_is_evaluated_at_one_to_dt
"""


def walk_back(velocity, x1, num_steps=50):
    if num_steps < 1:
        raise ValueError("num_steps")
    x = x1
    for i in range(num_steps):
        x = x - velocity(x, 1 - i / num_steps) / num_steps
    return x
