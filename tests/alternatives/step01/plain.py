"""As short as it can be: nn.Embedding refuses bad labels by itself, and the null class is read
off the table.
"""


class ClassEmbedding(nn.Module):
    def __init__(self, num_classes, embed_dim):
        super().__init__()
        self.embed = nn.Embedding(num_classes + 1, embed_dim)
        with torch.no_grad():
            self.embed.weight.mul_(0.02)
        self.num_classes = num_classes
        self.null_class = self.embed.num_embeddings - 1

    def forward(self, y):
        return self.embed(y)
