"""num_classes is stored and not handed on to the loss: the null class is 10, whatever the data set.

Seen in: our own thinking
Caught by: test_trainer_drops_labels
"""


class ConditionalTrainer(ConditionalTrainer):
    def _step(self, x0, y):
        x0, y = x0.to(self.device), y.to(self.device)
        loss = flow_matching_loss(self.model, x0, y, self.label_drop_prob)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()
