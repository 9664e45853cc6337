"""The last n losses are cut out with [-n:]: train(0) returns all of them.

Seen in: our own thinking
Caught by: test_no_epoch_changes_nothing
"""


class ConditionalTrainer(ConditionalTrainer):
    def train(self, num_epochs):
        super().train(num_epochs)
        return self.losses[-num_epochs:]
