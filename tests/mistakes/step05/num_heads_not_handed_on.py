"""num_heads is not handed on. No shape shows it, but with other heads it is a different function.

Seen in: our own thinking
Caught by: test_every_size_is_handed_on
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
        DiT.__init__(self, img_size, patch_size, in_channels, embed_dim, depth, mlp_ratio=mlp_ratio)
        self.num_classes = num_classes
        self.null_class = num_classes
        self.class_embed = ClassEmbedding(num_classes, self.cond_dim)
