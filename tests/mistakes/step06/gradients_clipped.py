"""The gradient is clipped to norm 1, which nobody asked for here.

Seen in: many training scripts, as a habit; our own thinking
Caught by: test_parameters_go_the_way_of_adamw
"""


class ConditionalTrainer(ConditionalTrainer):
    def _step(self, x0, y):
        x0, y = x0.to(self.device), y.to(self.device)
        loss = flow_matching_loss(self.model, x0, y, self.label_drop_prob, self.num_classes)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        return loss.item()
