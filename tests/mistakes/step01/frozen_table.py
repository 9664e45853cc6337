"""from_pretrained freezes the table unless told otherwise: the classes stay noise for ever.

Seen in: the default freeze=True of nn.Embedding.from_pretrained
Caught by: test_table_is_all_there_is, test_gradients_reach_the_rows_that_were_looked_up
"""


class ClassEmbedding(ClassEmbedding):
    def __init__(self, num_classes, embed_dim):
        nn.Module.__init__(self)
        self.num_classes = num_classes
        self.null_class = num_classes
        self.embed = nn.Embedding.from_pretrained(0.02 * torch.randn(num_classes + 1, embed_dim))
