"""Every step begins at x1 again, so that only the last one counts.

Seen in: our own thinking
Caught by: test_each_step_starts_where_the_last_one_ended
"""


def walk_back(velocity, x1, num_steps=50):
    if num_steps < 1:
        raise ValueError("num_steps")
    x = x1
    for i in range(num_steps):
        t = x1.new_full((len(x1),), 1 - i / num_steps)
        x = x1 - velocity(x, t) / num_steps
    return x
