"""max_norm=1 shortens rows in the table itself whenever they are looked up.

Seen in: an option of nn.Embedding; our own thinking
Caught by: test_a_look_up_changes_nothing
"""


class ClassEmbedding(ClassEmbedding):
    def __init__(self, num_classes, embed_dim):
        nn.Module.__init__(self)
        self.num_classes = num_classes
        self.null_class = num_classes
        self.embed = nn.Embedding(num_classes + 1, embed_dim, max_norm=1.0)
        nn.init.normal_(self.embed.weight, std=0.02)
