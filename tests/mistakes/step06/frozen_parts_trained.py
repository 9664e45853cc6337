"""train sets requires_grad of all parameters: what the caller froze is trained.

Seen in: our own thinking
Caught by: test_training_starts_from_any_state
"""


class ConditionalTrainer(ConditionalTrainer):
    def train(self, num_epochs):
        self.model.requires_grad_(True)
        return super().train(num_epochs)
