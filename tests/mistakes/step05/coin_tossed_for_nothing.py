"""A coin for label dropout is tossed in train mode though p is 0: it moves the global generator.

Seen in: our own thinking; DiT's LabelEmbedder with dropout switched off
Caught by: test_nothing_is_random
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        if self.training:
            torch.rand(len(x), device=x.device)
        return super().forward(x, t, y)
