"""The velocity gets the number of the step instead of a time between 0 and 1.

Seen in: our own thinking
Caught by: test_velocity_is_evaluated_at_one_to_dt
"""


def walk_back(velocity, x1, num_steps=50):
    if num_steps < 1:
        raise ValueError("num_steps")
    x = x1
    for i in range(num_steps):
        t = x1.new_full((len(x1),), num_steps - i)
        x = x - velocity(x, t) / num_steps
    return x
