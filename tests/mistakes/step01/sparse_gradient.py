"""The table's gradients are sparse, which AdamW refuses: step 6 cannot train it.

Seen in: pytorch#41966; pytorch#18404
Caught by: test_gradient_is_one_that_adamw_takes
"""


class ClassEmbedding(ClassEmbedding):
    def __init__(self, num_classes, embed_dim):
        super().__init__(num_classes, embed_dim)
        self.embed.sparse = True
