"""Whole objects are pickled instead of their state: code is run on loading, and a renamed class
breaks the file.

Seen in: torch.save(model), in many scripts
Caught by: test_checkpoint_is_plain_data
"""


class ConditionalTrainer(ConditionalTrainer):
    def save_checkpoint(self, path):
        torch.save({"model": self.model, "optimizer": self.optimizer, "losses": self.losses}, path)

    def load_checkpoint(self, path):
        state = torch.load(path, map_location=self.device, weights_only=False)
        self.model.load_state_dict(state["model"].state_dict())
        self.optimizer.load_state_dict(state["optimizer"].state_dict())
        self.losses = list(state["losses"])
