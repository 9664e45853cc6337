"""x -= ... changes x1 itself, because x is another name for it: a second walk from there would
begin at data.

Seen in: our own thinking
Caught by: test_walk_back_does_not_change_its_start
"""


def walk_back(velocity, x1, num_steps=50):
    if num_steps < 1:
        raise ValueError("num_steps")
    x = x1
    for i in range(num_steps):
        t = x1.new_full((len(x1),), 1 - i / num_steps)
        x -= velocity(x, t) / num_steps
    return x
