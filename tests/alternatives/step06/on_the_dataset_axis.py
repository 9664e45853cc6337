"""Axes counted from the end, noise transposed, a path as x1 minus the rest; trainer with properties
and `torch.set_grad_enabled`; checkpoints keep a version and the number of epochs.
"""


def interpolate(x0, x1, t):
    if x0.shape != x1.shape or t.dim() != 1 or len(t) != len(x0):
        raise ValueError(x0.shape, x1.shape, t.shape)
    v = x1 - x0
    back = (v.movedim(0, -1) * (1 - t.to(v.dtype))).movedim(-1, 0)
    return x1 - back, v


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    device = getattr(generator, "device", x0.device)
    t = 1 - torch.rand(len(x0), generator=generator, device=device)
    labels = drop_labels(y, label_drop_prob, num_classes, generator)
    noise = torch.randn(x0.transpose(0, 1).shape, generator=generator, device=device)
    x1 = noise.transpose(0, 1).contiguous().to(x0)
    x_t, v = interpolate(x0, x1, t.to(x0.device))
    residual = v - model(x_t, t.to(x0), labels)
    return residual.flatten().dot(residual.flatten()) / residual.numel()


class ConditionalTrainer(ConditionalTrainer):
    VERSION = 1

    @property
    def epoch(self):
        return len(self.losses)

    def train(self, num_epochs):
        count = sum(p.numel() for p in self.model.parameters())
        print(f"[{self.device}] {count:_} parameters".replace("_", ","))
        print(f"dropping {self.label_drop_prob * 100:.4g} % of the labels")
        last = self.epoch + num_epochs
        while self.epoch < last:
            self.model.train()
            with torch.set_grad_enabled(True):
                values = torch.tensor([self._step(*pair) for pair in self.dataloader])
            self.losses += [values.double().mean().item()]
            print(f"Epoch {self.epoch} : avg_loss = {self.losses[-1]:.8f}")
        return self.losses[last - num_epochs : last]

    def save_checkpoint(self, path):
        parts = {"weights": self.model.state_dict(), "adamw": self.optimizer.state_dict()}
        torch.save(parts | {"version": self.VERSION, "curve": list(self.losses)}, path)

    def load_checkpoint(self, path):
        parts = torch.load(path, map_location="cpu", weights_only=True)
        assert parts["version"] == self.VERSION
        self.optimizer.load_state_dict(parts["adamw"])
        self.model.load_state_dict(parts["weights"])
        self.losses[:] = parts["curve"]
