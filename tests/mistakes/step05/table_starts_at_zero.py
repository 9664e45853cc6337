"""The class table starts at zero: all classes are alike, and adaLN's zero start keeps them so for a
while.

Seen in: our own thinking
Caught by: test_new_model_starts_as_the_given_parts_do
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
        torch.nn.init.zeros_(self.class_embed.embed.weight)
