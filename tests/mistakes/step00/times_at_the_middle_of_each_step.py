"""The times are in the middle of the steps; Euler's method evaluates where a step begins.

Seen in: our own thinking
Caught by: test_velocity_is_evaluated_at_one_to_dt, test_point_mass_is_reached_exactly
"""


def walk_back(velocity, x1, num_steps=50):
    if num_steps < 1:
        raise ValueError("num_steps")
    x = x1
    for i in range(num_steps):
        t = x1.new_full((len(x1),), 1 - (i + 0.5) / num_steps)
        x = x - velocity(x, t) / num_steps
    return x
