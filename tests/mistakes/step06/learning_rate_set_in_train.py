"""train sets the learning rate back to the first one: a schedule of the caller has no effect.

Seen in: our own thinking
Caught by: test_learning_rate_can_be_changed_between_calls
"""


class ConditionalTrainer(ConditionalTrainer):
    def __init__(self, model, dataloader, lr=1e-4, *more, **options):
        super().__init__(model, dataloader, lr, *more, **options)
        self.lr = lr

    def train(self, num_epochs):
        if not self.losses:
            for group in self.optimizer.param_groups:
                group["lr"] = self.lr
        return super().train(num_epochs)
