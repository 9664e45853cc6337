"""The checkpoint lacks the losses: the curve starts again after resuming.

Seen in: our own thinking
Caught by: test_checkpoint_brings_model_and_losses_back,
    test_training_goes_on_from_a_checkpoint_as_if_never_interrupted
"""


class ConditionalTrainer(ConditionalTrainer):
    def save_checkpoint(self, path):
        state = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}
        torch.save(state, path)

    def load_checkpoint(self, path):
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
