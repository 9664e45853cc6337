"""The optimiser's state goes into a second file beside the checkpoint, and is lost if only the
checkpoint is copied.

Seen in: our own thinking
Caught by: test_training_goes_on_from_a_checkpoint_as_if_never_interrupted
"""


class ConditionalTrainer(ConditionalTrainer):
    def save_checkpoint(self, path):
        torch.save({"model": self.model.state_dict(), "losses": self.losses}, path)
        torch.save(self.optimizer.state_dict(), f"{path}.optimizer")

    def load_checkpoint(self, path):
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.losses = list(state["losses"])
        if Path(f"{path}.optimizer").exists():
            self.optimizer.load_state_dict(torch.load(f"{path}.optimizer", weights_only=True))
