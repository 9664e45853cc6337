"""The null label is a buffer that is not saved, so it moves with the model, and is expanded."""


class ConditionalDiT(DiT):
    def __init__(self, num_classes=10, *sizes, **named_sizes):
        super().__init__(*sizes, **named_sizes)
        self.class_embed = ClassEmbedding(num_classes, self.cond_dim)
        self.register_buffer("null_label", torch.tensor([num_classes]), persistent=False)
        self.num_classes, self.null_class = num_classes, self.class_embed.null_class

    def forward(self, x, t, y=None):
        h_t = self.time_embed(t)
        h_y = self.class_embed(self.null_label.expand(x.shape[0]) if y is None else y)
        return super().velocity(x, combine(h_t, h_y))
