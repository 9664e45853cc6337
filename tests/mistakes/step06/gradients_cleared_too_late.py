"""zero_grad stands between backward and step: the step sees no gradient, and nothing is learned.

Seen in: a classic; our own thinking
Caught by: test_parameters_go_the_way_of_adamw
"""


class ConditionalTrainer(ConditionalTrainer):
    def _step(self, x0, y):
        x0, y = x0.to(self.device), y.to(self.device)
        loss = flow_matching_loss(self.model, x0, y, self.label_drop_prob, self.num_classes)
        loss.backward()
        self.optimizer.zero_grad()
        self.optimizer.step()
        return loss.item()
