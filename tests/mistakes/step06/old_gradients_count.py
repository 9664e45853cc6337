"""Gradients are cleared after the step only: those from before are added to the first one.

Seen in: our own thinking
Caught by: test_training_starts_from_any_state
"""


class ConditionalTrainer(ConditionalTrainer):
    def _step(self, x0, y):
        x0, y = x0.to(self.device), y.to(self.device)
        loss = flow_matching_loss(self.model, x0, y, self.label_drop_prob, self.num_classes)
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss.item()
