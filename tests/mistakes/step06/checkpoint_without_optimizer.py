"""The checkpoint lacks the optimiser: after resuming, AdamW starts with empty moments and the loss
jumps.

Seen in: our own thinking
Caught by: test_training_goes_on_from_a_checkpoint_as_if_never_interrupted
"""


class ConditionalTrainer(ConditionalTrainer):
    def save_checkpoint(self, path):
        torch.save({"model": self.model.state_dict(), "losses": self.losses}, path)

    def load_checkpoint(self, path):
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.losses = list(state["losses"])
