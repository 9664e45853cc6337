"""Each sample is evaluated by itself, and its label is checked by hand."""


class ConditionalDiT(DiT):
    def __init__(
        self,
        num_classes: int = 10,
        img_size: int = 28,
        patch_size: int = 4,
        in_channels: int = 1,
        embed_dim: int = 256,
        depth: int = 6,
        num_heads: int = 8,
        mlp_ratio: float = 4.0,
    ):
        DiT.__init__(
            self, img_size, patch_size, in_channels, embed_dim, depth, num_heads, mlp_ratio
        )
        self.class_embed = ClassEmbedding(num_classes, embed_dim * 4)
        self.null_class = num_classes
        self.num_classes = num_classes

    def condition(self, t, label):
        return combine(self.time_embed(t), self.class_embed(label))

    def forward(self, x, t, y=None):
        if y is not None and (y.dtype == torch.bool or y.is_floating_point()):
            raise TypeError("labels are integers")
        if y is not None and y.shape != (len(x),):
            raise ValueError("one label per sample")
        labels = [self.null_class] * len(x) if y is None else y.tolist()
        if min(labels) < 0 or max(labels) > self.null_class:
            raise ValueError("there is no such label")
        return torch.cat(
            [
                self.velocity(
                    x[i : i + 1],
                    self.condition(t[i : i + 1], torch.tensor([label], device=x.device)),
                )
                for i, label in enumerate(labels)
            ]
        )
