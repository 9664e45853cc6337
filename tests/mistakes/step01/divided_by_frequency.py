"""scale_grad_by_freq=True divides a row's gradient by how often its class is in the batch.

Seen in: an option of nn.Embedding; our own thinking
Caught by: test_gradients_reach_the_rows_that_were_looked_up
"""


class ClassEmbedding(ClassEmbedding):
    def __init__(self, num_classes, embed_dim):
        nn.Module.__init__(self)
        self.num_classes = num_classes
        self.null_class = num_classes
        self.embed = nn.Embedding(num_classes + 1, embed_dim, scale_grad_by_freq=True)
        nn.init.normal_(self.embed.weight, std=0.02)
