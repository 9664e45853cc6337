"""The class is handed in and never used: the samples are random digits.

Seen in: consistency-mnist#3, DALLE2-pytorch#235, torchebm#270
Caught by: test_combine_is_the_sum, test_gradients_reach_both_embeddings
"""


def combine(time_embedding, class_embedding):
    if time_embedding.shape != class_embedding.shape:
        raise ValueError("shapes differ")
    return time_embedding.clone()
