"""A walk of 0 steps returns the noise and raises nothing.

Seen in: our own thinking
Caught by: test_fewer_than_one_step_is_refused
"""


def walk_back(velocity, x1, num_steps=50):
    if num_steps < 0:
        raise ValueError("num_steps")
    x = x1
    for i in range(num_steps):
        t = x1.new_full((len(x1),), 1 - i / num_steps)
        x = x - velocity(x, t) / num_steps
    return x
