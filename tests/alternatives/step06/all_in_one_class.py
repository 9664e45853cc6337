"""The trainer has a loop of its own and never calls the loss; coins first, noise last; a closure
steps.
"""


def interpolate(x0, x1, t):
    if x0.shape != x1.shape:
        raise ValueError("images and noise differ in shape")
    if t.ndim != 1 or t.numel() != x0.size(0):
        raise ValueError("one time per sample")
    return torch.lerp(x0, x1, t[:, None, None, None].to(x0)), torch.sub(x1, x0)


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    source = {"generator": generator}
    if generator is not None:
        source["device"] = generator.device
    labels = drop_labels(y, label_drop_prob, num_classes, generator)
    t = torch.rand(x0.size(0), 1, 1, 1, **source).to(x0)
    noise = torch.randn(*x0.shape, **source).to(x0)
    output = model(torch.lerp(x0, noise, t), t.flatten(), y=labels)
    return ((output - noise + x0) ** 2).mean()


class ConditionalTrainer:
    def __init__(
        self,
        model,
        dataloader,
        lr=1e-4,
        weight_decay=0.01,
        label_drop_prob=0.1,
        num_classes=10,
        device=None,
    ):
        self.device = device or get_device()
        self.model = model
        self.model.to(self.device)
        self.loader = dataloader
        self.p, self.k = label_drop_prob, num_classes
        self.optimizer = torch.optim.AdamW(
            [{"params": [p for p in model.parameters() if p.requires_grad]}],
            lr=lr,
            weight_decay=weight_decay,
            foreach=False,
        )
        self.losses = []
        count = sum(map(torch.numel, model.parameters()))
        print("Device:", self.device)
        print("Parameters:", count)
        print(f"Label dropout: {100 * label_drop_prob:.1f} %")

    def train(self, num_epochs):
        start = len(self.losses)
        for epoch in range(start + 1, start + num_epochs + 1):
            self.model.train()
            total, count = torch.zeros(()), 0
            for images, labels in self.loader:
                images, labels = images.to(self.device), labels.to(self.device)

                def closure(images=images, labels=labels):
                    self.optimizer.zero_grad(set_to_none=False)
                    y = drop_labels(labels, self.p, self.k)
                    t = torch.rand(len(images), device=images.device)
                    noise = torch.randn_like(images)
                    x_t, v = interpolate(images, noise, t)
                    loss = (self.model(x_t, t, y) - v).pow(2).mean()
                    loss.backward()
                    return loss

                total += self.optimizer.step(closure).detach().cpu()
                count += 1
            self.losses.append((total / count).item())
            print(f"Epoch {epoch}/{start + num_epochs}: avg_loss = {self.losses[-1]:.6f}")
        return self.losses[start:]

    def save_checkpoint(self, path):
        with open(path, "wb") as file:
            torch.save(
                [self.model.state_dict(), self.optimizer.state_dict(), torch.tensor(self.losses)],
                file,
            )

    def load_checkpoint(self, path):
        weights, state, losses = torch.load(path, weights_only=True, map_location="cpu")
        self.model.load_state_dict(weights)
        self.optimizer.load_state_dict(state)
        self.losses = losses.tolist()
