"""The walk takes 50 steps, whatever num_steps is.

Seen in: our own thinking
Caught by: test_velocity_is_evaluated_at_one_to_dt
"""


def walk_back(velocity, x1, num_steps=50):
    if num_steps < 1:
        raise ValueError("num_steps")
    x = x1
    for i in range(50):
        t = x1.new_full((len(x1),), 1 - i / 50)
        x = x - velocity(x, t) / 50
    return x
