"""The table is made for ten classes whatever num_classes says.

Seen in: diffusers#13616
Caught by: test_classes_are_counted_from_the_argument
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
        self.class_embed = ClassEmbedding(10, self.cond_dim)
