"""The sum is written into the time embedding, which the caller may still need.

Seen in: our own thinking; `h += e` is shorter
Caught by: test_combine_changes_no_input
"""


def combine(time_embedding, class_embedding):
    if time_embedding.shape != class_embedding.shape:
        raise ValueError("shapes differ")
    time_embedding += class_embedding
    return time_embedding
