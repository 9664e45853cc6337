"""A step averages the velocities at its two ends, which is Heun's method: it evaluates twice, and
also at t = 0.

Seen in: our own thinking
Caught by: test_velocity_is_evaluated_at_one_to_dt
"""


def walk_back(velocity, x1, num_steps=50):
    if num_steps < 1:
        raise ValueError("num_steps")
    x = x1
    for i in range(num_steps):
        t = x1.new_full((len(x1),), 1 - i / num_steps)
        v = velocity(x, t)
        w = velocity(x - v / num_steps, t - 1 / num_steps)
        x = x - (v + w) / 2 / num_steps
    return x
