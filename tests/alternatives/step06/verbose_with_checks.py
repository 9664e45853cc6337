"""In the style of a language model: checks, helper functions, keyword extras, a header that begins
with "Epochs:", a log of batch losses, the noise drawn flat.
"""


def _expand_like(values: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """Expand per-sample values to broadcast against a batch of images."""
    return values.reshape(-1, *([1] * (reference.dim() - 1))).to(reference.dtype)


def interpolate(x0, x1, t):
    if not (torch.is_tensor(x0) and torch.is_tensor(x1) and torch.is_tensor(t)):
        raise TypeError("x0, x1 and t must be tensors")
    if x0.shape != x1.shape:
        raise ValueError(f"Shape mismatch: x0 {tuple(x0.shape)} vs x1 {tuple(x1.shape)}")
    if t.dim() != 1 or t.shape[0] != x0.shape[0]:
        raise ValueError(f"t must have shape ({x0.shape[0]},), got {tuple(t.shape)}")
    t_expanded = _expand_like(t, x0)
    velocity = x1 - x0
    x_t = t_expanded * x1 + (1.0 - t_expanded) * x0
    return x_t, velocity


def _sample_noise_and_time(x0, generator=None):
    """Sample the Gaussian noise and the uniform times for a batch."""
    device = x0.device if generator is None else generator.device
    flat = torch.randn(x0.numel(), generator=generator, device=device)
    time = torch.rand((x0.shape[0],), generator=generator, device=device)
    return flat.view(x0.shape).to(device=x0.device, dtype=x0.dtype), time.to(x0.device)


def flow_matching_loss(
    model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None, *, reduction="mean"
):
    if x0.dim() != 4:
        raise ValueError(f"x0 must be 4-dimensional, got {x0.dim()} dimensions")
    if y.dim() != 1 or len(y) != len(x0):
        raise ValueError("y must hold one label per image")
    noise, time = _sample_noise_and_time(x0, generator)
    x_t, target_velocity = interpolate(x0, noise, time)
    dropped_labels = drop_labels(y, label_drop_prob, num_classes, generator=generator)
    predicted_velocity = model(x_t, time, dropped_labels)
    return F.mse_loss(predicted_velocity, target_velocity, reduction=reduction)


class ConditionalTrainer(ConditionalTrainer):
    def __init__(self, model, dataloader, *args, verbose=True, **kwargs):
        super().__init__(model, dataloader, *args, **kwargs)
        self.verbose = verbose
        self.batch_losses = []

    def _print_header(self, num_epochs):
        trainable = sum(p.numel() for p in self.model.parameters() if p.requires_grad)
        total = sum(p.numel() for p in self.model.parameters())
        print("=" * 60)
        print(
            f"Epochs: {num_epochs}, device: {self.device}, parameters: {total} ({trainable} "
            f"trainable), label dropout: {self.label_drop_prob}"
        )
        print("=" * 60)

    def train(self, num_epochs, log_every=None):
        if num_epochs < 0:
            raise ValueError("num_epochs must not be negative")
        self._print_header(num_epochs)
        new_losses = []
        for _ in range(num_epochs):
            self.model.train()
            epoch_losses = []
            for step, (images, labels) in enumerate(self.dataloader):
                images = images.to(self.device)
                labels = labels.to(self.device, dtype=torch.long)
                self.optimizer.zero_grad(set_to_none=True)
                loss = flow_matching_loss(
                    self.model,
                    images,
                    labels,
                    label_drop_prob=self.label_drop_prob,
                    num_classes=self.num_classes,
                )
                loss.backward()
                self.optimizer.step()
                epoch_losses.append(float(loss.detach()))
                if log_every and step % log_every == 0:
                    print(f"  step {step}: loss = {epoch_losses[-1]:.4f}")
            avg_loss = sum(epoch_losses) / max(len(epoch_losses), 1)
            self.batch_losses.extend(epoch_losses)
            self.losses.append(avg_loss)
            new_losses.append(avg_loss)
            print(f"Epoch {len(self.losses)}: avg_loss = {avg_loss:.6f}")
        return new_losses
