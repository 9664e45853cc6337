"""No gradient reaches the time if the class embedding is frozen.

Seen in: our own thinking
Caught by: test_gradients_reach_both_embeddings
"""


def combine(time_embedding, class_embedding):
    if time_embedding.shape != class_embedding.shape:
        raise ValueError("shapes differ")
    c = time_embedding + class_embedding
    return c if class_embedding.requires_grad else c.detach()
