"""All linear layers are initialised anew: the zero start of head and adaLN is lost.

Seen in: initialize_weights of facebookresearch/DiT with its last part left out
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
        for module in self.modules():
            if isinstance(module, torch.nn.Linear):
                torch.nn.init.xavier_uniform_(module.weight)
