"""Noise and times are drawn sample by sample, the mean is taken by hand, and the random state is
saved as well.
"""


def interpolate(x0, x1, t):
    if x0.shape != x1.shape or t.shape != x0.shape[:1]:
        raise ValueError(f"{x0.shape}, {x1.shape} and {t.shape} do not fit")
    points = [
        (1 - time) * image + time * noise
        for image, noise, time in zip(x0, x1, t.to(x0.dtype), strict=True)
    ]
    return torch.stack(points), x1 + (-1) * x0


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    noise = torch.stack([torch.randn(image.shape, generator=generator) for image in x0])
    times = torch.cat([torch.rand(1, generator=generator) for _ in x0])
    x_t, v = interpolate(x0, noise.to(x0), times.to(x0.device))
    labels = drop_labels(y, label_drop_prob, num_classes, generator)
    v_model = model(x_t, times.to(x0.device), labels)
    return torch.sum((v_model - v) ** 2) / v.numel()


class ConditionalTrainer(ConditionalTrainer):
    def train(self, num_epochs):
        total = sum(len(p.flatten()) for p in self.model.parameters())
        print(f"training on {str(self.device).upper()} with {total} weights", end=", ")
        print("dropping labels with probability", self.label_drop_prob)
        first = len(self.losses)
        while len(self.losses) < first + num_epochs:
            self.model.train(True)
            mean = 0.0
            for n, (x0, y) in enumerate(self.dataloader, start=1):
                mean += (self._step(x0, y) - mean) / n
            self.losses = [*self.losses, mean]
            print(f"Epoch {len(self.losses)}: avg_loss = {mean:.5e}")
        return list(self.losses[first:])

    def save_checkpoint(self, path):
        state = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}
        state["losses"] = {str(i): loss for i, loss in enumerate(self.losses)}
        state["random"] = torch.get_rng_state()
        torch.save(state, path)

    def load_checkpoint(self, path):
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.model.load_state_dict(state.pop("model"))
        self.optimizer.load_state_dict(state.pop("optimizer"))
        self.losses = list(state["losses"].values())
        torch.set_rng_state(state["random"])
