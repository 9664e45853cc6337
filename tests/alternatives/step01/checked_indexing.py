"""The weight is indexed directly after a check of range and dtype of its own; the table is drawn
in place on .data.
"""


class ClassEmbedding(nn.Module):
    def __init__(self, num_classes, embed_dim):
        super().__init__()
        self.embed = nn.Embedding(num_embeddings=num_classes + 1, embedding_dim=embed_dim)
        self.embed.weight.data.normal_(0, 0.02)
        self.num_classes = self.null_class = num_classes

    def forward(self, y):
        if y.dtype not in (torch.int32, torch.int64):
            raise ValueError(f"labels are integers, not {y.dtype}")
        if y.numel() and (y.min() < 0 or y.max() > self.null_class):
            raise IndexError(f"labels are 0 to {self.null_class}")
        return self.embed.weight[y]
