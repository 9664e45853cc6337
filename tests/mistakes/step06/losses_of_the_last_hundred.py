"""Only the last hundred losses are kept: the start of a long training is lost to the curve.

Seen in: our own thinking; a deque(maxlen=100) for a running average
Caught by: test_many_epochs_are_averaged_exactly
"""


class ConditionalTrainer(ConditionalTrainer):
    def train(self, num_epochs):
        averages = super().train(num_epochs)
        self.losses = self.losses[-100:]
        return averages
