"""The time is dropped: the network no longer knows how noisy its input is.

Seen in: our own thinking
Caught by: test_combine_is_the_sum, test_gradients_reach_both_embeddings
"""


def combine(time_embedding, class_embedding):
    if time_embedding.shape != class_embedding.shape:
        raise ValueError("shapes differ")
    return class_embedding.clone()
