"""All rows start with the same length: directions are drawn, lengths are not.

Seen in: our own thinking
Caught by: test_every_number_is_drawn_by_itself
"""


class ClassEmbedding(ClassEmbedding):
    def __init__(self, num_classes, embed_dim):
        super().__init__(num_classes, embed_dim)
        with torch.no_grad():
            rows = self.embed.weight
            rows.copy_(nn.functional.normalize(rows) * 0.02 * embed_dim**0.5)
