"""The look-up holds on to the table that was made first: a copy reads the old one.

Seen in: our own thinking
Caught by: test_table_is_read_as_it_is_now
"""


class ClassEmbedding(ClassEmbedding):
    def __init__(self, num_classes, embed_dim):
        super().__init__(num_classes, embed_dim)
        weight = self.embed.weight
        self.look_up = lambda y: nn.functional.embedding(y, weight)

    def forward(self, y):
        self.embed(y)
        return self.look_up(y)
