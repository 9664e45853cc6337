"""The losses are kept as tensors: the graph of every batch stays in memory.

Seen in: our own thinking
Caught by: test_average_loss_is_the_plain_mean_of_the_batches
"""


class ConditionalTrainer(ConditionalTrainer):
    def _step(self, x0, y):
        x0, y = x0.to(self.device), y.to(self.device)
        loss = flow_matching_loss(self.model, x0, y, self.label_drop_prob, self.num_classes)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss
