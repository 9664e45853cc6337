"""Batches with a loss above 100 are left out, as if they were broken: hard batches never count.

Seen in: our own thinking; "skip the step if the loss explodes"
Caught by: test_many_epochs_are_averaged_exactly
"""


class ConditionalTrainer(ConditionalTrainer):
    def _step(self, x0, y):
        loss = flow_matching_loss(self.model, x0, y, self.label_drop_prob, self.num_classes)
        if loss.item() > 100:
            return 100.0
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()
