"""The stack is written again from the inherited parts, the sum is a bare + behind a check of the
shape.
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
        super().__init__(
            img_size=img_size,
            patch_size=patch_size,
            in_channels=in_channels,
            embed_dim=embed_dim,
            depth=depth,
            num_heads=num_heads,
            mlp_ratio=mlp_ratio,
        )
        self.num_classes = self.null_class = num_classes
        self.class_embed = ClassEmbedding(num_classes=num_classes, embed_dim=4 * embed_dim)

    def forward(self, x, t, y=None):
        if x.shape[1:] != self.image_shape:
            raise ValueError(f"images are {self.image_shape}, not {tuple(x.shape[1:])}")
        if y is None:
            rows = self.class_embed.embed.weight[-1:].expand(len(x), -1)
        elif y.shape != (len(x),):
            raise ValueError(f"one label per sample, not {tuple(y.shape)}")
        else:
            rows = self.class_embed(y)
        condition = rows + self.time_embed(t)
        h = self.positions + self.patch_embed(x)
        for block in self.blocks:
            h = h + block.attention(block.norm1(h, condition))
            h = h + block.mlp(block.norm2(h, condition))
        return self.unpatchify(self.head(self.norm(h)))
