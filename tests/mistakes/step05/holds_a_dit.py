"""The class holds a DiT instead of being one: its weights have other names, and shipped ones do not
load.

Seen in: our own thinking; composition as a habit
Caught by: test_classes_are_counted_from_the_argument, test_default_model_has_the_size_of_the_lesson
"""


class ConditionalDiT(torch.nn.Module):
    def __init__(self, num_classes=10, *args, **sizes):
        super().__init__()
        self.dit = DiT(*args, **sizes)
        self.num_classes = num_classes
        self.null_class = num_classes
        self.class_embed = ClassEmbedding(num_classes, self.dit.cond_dim)

    def forward(self, x, t, y=None):
        if y is None:
            y = torch.full((x.shape[0],), self.null_class, device=x.device)
        return self.dit.velocity(x, combine(self.dit.time_embed(t), self.class_embed(y)))
