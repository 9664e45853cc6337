"""torch.gather along expanded indices, with a table drawn row by row by torch.normal."""


class ClassEmbedding(nn.Module):
    def __init__(self, num_classes, embed_dim):
        super().__init__()
        self.num_classes = self.null_class = num_classes
        rows = [torch.normal(0.0, 0.02, (embed_dim,)) for _ in range(num_classes + 1)]
        self.embed = nn.Embedding(num_classes + 1, embed_dim, _weight=torch.stack(rows))

    def forward(self, y):
        if y.dtype not in (torch.int32, torch.int64) or (y < 0).any():
            raise ValueError("labels are integers from 0 to K")
        table = self.embed.weight
        index = y.long()[:, None].expand(-1, table.shape[1])
        return table.gather(0, index)
