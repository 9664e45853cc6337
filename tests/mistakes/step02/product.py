"""The embeddings are multiplied: a small class embedding silences the time.

Seen in: TeaPearce/Conditional_Diffusion_MNIST (on purpose)
Caught by: test_combine_is_the_sum, test_nothing_is_rescaled
"""


def combine(time_embedding, class_embedding):
    if time_embedding.shape != class_embedding.shape:
        raise ValueError("shapes differ")
    return time_embedding * class_embedding
