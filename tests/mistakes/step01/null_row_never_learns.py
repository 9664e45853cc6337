"""padding_idx=K gives the null row no gradient: "any" stays what it was at the start.

Seen in: unet.py of Meta's flow_matching (on purpose)
Caught by: test_gradients_reach_the_rows_that_were_looked_up
"""


class ClassEmbedding(ClassEmbedding):
    def __init__(self, num_classes, embed_dim):
        nn.Module.__init__(self)
        self.num_classes = num_classes
        self.null_class = num_classes
        self.embed = nn.Embedding(num_classes + 1, embed_dim, padding_idx=num_classes)
        nn.init.normal_(self.embed.weight, std=0.02)
