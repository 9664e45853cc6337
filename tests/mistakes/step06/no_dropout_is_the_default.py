"""`label_drop_prob or 0.1` takes 0 for not given: labels are dropped though nobody wanted it.

Seen in: our own thinking
Caught by: test_trainer_drops_labels
"""


class ConditionalTrainer(ConditionalTrainer):
    def __init__(self, model, dataloader, *more, label_drop_prob=None, **options):
        super().__init__(
            model, dataloader, *more, label_drop_prob=label_drop_prob or 0.1, **options
        )
