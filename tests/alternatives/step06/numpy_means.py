"""Doubles for the times, einsum for the line, NumPy for the means, gradients cleared after the
step.
"""

import numpy as np


def interpolate(x0, x1, t):
    if not x0.shape == x1.shape == (*t.shape, *x1.shape[1:]) or t.dim() != 1:
        raise ValueError("the shapes do not fit")
    v = x1 - x0
    return x0 + torch.einsum("b,bchw->bchw", t.to(v.dtype), v), v


def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):
    batch = x0.shape[0]
    where = x0.device if generator is None else generator.device
    t = torch.empty(batch, dtype=torch.float64, device=where).uniform_(generator=generator)
    x1 = torch.empty(x0.shape, device=where).normal_(generator=generator).to(x0)
    x_t, target = interpolate(x0, x1, t.to(x0.device))
    y = drop_labels(y, label_drop_prob, num_classes, generator=generator)
    error = model(x_t, t.to(x0), y).sub(target).square()
    return error.flatten(1).mean(1).mean(0)


class ConditionalTrainer:
    def __init__(self, model, dataloader, lr=1e-4, weight_decay=0.01, label_drop_prob=0.1, **rest):
        self.device = torch.device(rest.get("device") or get_device())
        self.options = {
            "label_drop_prob": label_drop_prob,
            "num_classes": rest.get("num_classes", 10),
        }
        self.model, self.dataloader, self.losses = model.to(self.device), dataloader, []
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr, betas=(0.9, 0.999), weight_decay=weight_decay
        )

    def _epoch(self):
        self.optimizer.zero_grad()
        for batch in self.dataloader:
            x0, y = (part.to(self.device, non_blocking=True) for part in batch)
            loss = flow_matching_loss(self.model, x0, y, **self.options)
            loss.backward()
            self.optimizer.step()
            self.optimizer.zero_grad()
            yield loss.detach().cpu().numpy()

    def train(self, num_epochs):
        size = sum(p.numel() for p in self.model.parameters()) / 1e6
        percent = np.format_float_positional(100 * self.options["label_drop_prob"], 6, trim="-")
        print(f"device={self.device.type}, {size:.2f}M parameters, p={percent}%")
        self.model = self.model.train()
        new = []
        for _ in range(num_epochs):
            new.append(float(np.mean(list(self._epoch()))))
            self.losses += new[-1:]
            print(f"Epoch {len(self.losses):3d}: avg_loss = {new[-1]}")
        return new

    def save_checkpoint(self, path):
        torch.save({**vars(self), "model": self.model.state_dict(), **self._state()}, str(path))

    def _state(self):
        return {"dataloader": None, "optimizer": self.optimizer.state_dict(), "device": "cpu"}

    def load_checkpoint(self, path):
        saved = torch.load(str(path), weights_only=True)
        self.losses[:] = saved["losses"]
        for part in ("model", "optimizer"):
            getattr(self, part).load_state_dict(saved[part])
