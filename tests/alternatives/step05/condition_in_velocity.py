"""The class is kept for the length of a call and added where the stack takes its condition, in
velocity.
"""


class ConditionalDiT(DiT):
    def __init__(
        self,
        num_classes=10,
        img_size=28,
        patch_size=4,
        in_channels=1,
        embed_dim=256,
        depth=6,
        num_heads=8,
        mlp_ratio=4.0,
    ):
        super().__init__(img_size, patch_size, in_channels, embed_dim, depth, num_heads, mlp_ratio)
        self.add_module("class_embed", ClassEmbedding(num_classes, self.cond_dim))
        self.num_classes = num_classes
        self.null_class = self.class_embed.null_class
        self._rows = None

    def forward(self, x, t, y=None):
        if y is None:
            y = torch.zeros(x.size(0), dtype=torch.long, device=x.device) + self.null_class
        self._rows = self.class_embed(y)
        try:
            return super().forward(x, t)
        finally:
            self._rows = None

    def velocity(self, x, c):
        return super().velocity(x, c if self._rows is None else combine(c, self._rows))
