"""The line is computed in the memory of x0 and x1: the images of the data set turn into noise.

Seen in: our own thinking
Caught by: test_interpolate_changes_no_input, test_images_and_labels_are_not_changed
"""


def interpolate(x0, x1, t):
    v = x1 - x0
    x0 += t.view(-1, 1, 1, 1) * v
    return x0, v
