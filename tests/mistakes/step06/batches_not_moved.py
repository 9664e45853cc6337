"""Batches stay where the loader made them: on a GPU, the first one ends in a device error.

Seen in: our own thinking
Caught by: test_batches_are_moved_to_the_device
"""


class ConditionalTrainer(ConditionalTrainer):
    def _step(self, x0, y):
        loss = flow_matching_loss(self.model, x0, y, self.label_drop_prob, self.num_classes)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()
