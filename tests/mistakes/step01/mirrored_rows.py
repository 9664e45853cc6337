"""The second half of each row mirrors the first: only half of the numbers are drawn.

Seen in: our own thinking
Caught by: test_every_number_is_drawn_by_itself
"""


class ClassEmbedding(ClassEmbedding):
    def __init__(self, num_classes, embed_dim):
        super().__init__(num_classes, embed_dim)
        with torch.no_grad():
            half = embed_dim // 2
            self.embed.weight[:, -half:] = -self.embed.weight[:, :half] if half else 0.02
