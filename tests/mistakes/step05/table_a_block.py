"""Every block has a class table of its own.

Seen in: U-DiT#12, an embedder per level
Caught by: test_classes_are_counted_from_the_argument, test_default_model_has_the_size_of_the_lesson
"""


class ConditionalDiT(ConditionalDiT):
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
        DiT.__init__(
            self, img_size, patch_size, in_channels, embed_dim, depth, num_heads, mlp_ratio
        )
        self.num_classes = num_classes
        self.null_class = num_classes
        self.class_embed = ClassEmbedding(num_classes, self.cond_dim)
        self.block_embeds = torch.nn.ModuleList(
            ClassEmbedding(num_classes, self.cond_dim) for _ in range(depth)
        )

    def forward(self, x, t, y=None):
        if y is None:
            y = torch.full((x.shape[0],), self.null_class, device=x.device)
        h = self.time_embed(t)
        tokens = self.patch_embed(x) + self.positions
        for block, embed in zip(self.blocks, self.block_embeds, strict=True):
            tokens = block(tokens, combine(h, embed(y)))
        return self.unpatchify(self.head(self.norm(tokens)))
