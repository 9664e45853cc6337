"""The times are 1 - dt, ..., 0: a step uses the velocity of the time at which it ends.

Seen in: our own thinking
Caught by: test_velocity_is_evaluated_at_one_to_dt
"""


def walk_back(velocity, x1, num_steps=50):
    if num_steps < 1:
        raise ValueError("num_steps")
    x = x1
    for i in range(num_steps):
        t = x1.new_full((len(x1),), 1 - (i + 1) / num_steps)
        x = x - velocity(x, t) / num_steps
    return x
