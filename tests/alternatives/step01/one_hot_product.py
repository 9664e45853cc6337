"""A product with one-hot vectors, a table made from a tensor of numbers, and null_class as a
property.
"""


class ClassEmbedding(nn.Module):
    def __init__(self, num_classes, embed_dim):
        super().__init__()
        self.num_classes = num_classes
        numbers = torch.randn(num_classes + 1, embed_dim) * 0.02
        self.embed = nn.Embedding.from_pretrained(numbers, freeze=False)

    @property
    def null_class(self):
        return self.num_classes

    def forward(self, y):
        if y.dtype not in (torch.int64, torch.int32):
            raise TypeError("labels are integers")
        one_hot = nn.functional.one_hot(y.long(), self.num_classes + 1)
        return one_hot.to(self.embed.weight.dtype) @ self.embed.weight
