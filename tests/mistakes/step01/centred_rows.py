"""Each row is centred after it is drawn: its numbers are no longer independent.

Seen in: our own thinking
Caught by: test_every_number_is_drawn_by_itself
"""


class ClassEmbedding(ClassEmbedding):
    def __init__(self, num_classes, embed_dim):
        super().__init__(num_classes, embed_dim)
        with torch.no_grad():
            rows = self.embed.weight
            width = rows.shape[1]
            if width > 1:
                rows.sub_(rows.mean(1, keepdim=True)).mul_((width / (width - 1)) ** 0.5)
