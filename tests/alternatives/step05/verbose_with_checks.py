"""In the style of a language model: keyword extras, helper methods, checks of everything, and a
summary for print.
"""


class ConditionalDiT(DiT):
    """Class-conditional Diffusion Transformer."""

    def __init__(
        self,
        num_classes: int = 10,
        img_size: int = 28,
        patch_size: int = 4,
        in_channels: int = 1,
        embed_dim: int = 256,
        depth: int = 6,
        num_heads: int = 8,
        mlp_ratio: float = 4.0,
        *,
        check_labels: bool = True,
    ) -> None:
        super().__init__(
            img_size=img_size,
            patch_size=patch_size,
            in_channels=in_channels,
            embed_dim=embed_dim,
            depth=depth,
            num_heads=num_heads,
            mlp_ratio=mlp_ratio,
        )
        if num_classes < 1:
            raise ValueError(f"num_classes must be positive, got {num_classes}")
        self.num_classes: int = num_classes
        self.null_class: int = num_classes
        self.check_labels: bool = check_labels
        self.class_embed: ClassEmbedding = ClassEmbedding(num_classes, self.cond_dim)

    def extra_repr(self) -> str:
        return f"num_classes={self.num_classes}, null_class={self.null_class}"

    @torch.no_grad()
    def _validate(self, x: Tensor, t: Tensor, y: Tensor) -> None:
        """Make sure that the inputs are consistent."""
        batch_size = x.size(0)
        if tuple(t.size()) != (batch_size,):
            raise ValueError(f"Expected t of shape ({batch_size},), got {tuple(t.size())}")
        if tuple(y.size()) != (batch_size,):
            raise ValueError(f"Expected y of shape ({batch_size},), got {tuple(y.size())}")
        if y.dtype not in (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64):
            raise TypeError(f"Expected integer labels, got {y.dtype}")
        if y.numel() > 0:
            lowest, highest = int(y.min().item()), int(y.max().item())
            if lowest < 0 or highest > self.null_class:
                raise IndexError(f"Labels must lie in [0, {self.null_class}]")

    def _resolve_labels(self, x: Tensor, y: Tensor | None) -> Tensor:
        """Replace a missing label by the null class."""
        if y is not None:
            return y
        return torch.empty(x.size(0), dtype=torch.long, device=x.device).fill_(self.null_class)

    def get_conditioning(self, t: Tensor, y: Tensor) -> Tensor:
        """Compute the joint conditioning vector."""
        time_embedding = self.time_embed(t)
        class_embedding = self.class_embed(y.to(torch.long))
        return combine(time_embedding, class_embedding)

    def forward(
        self, x: Tensor, t: Tensor, y: Tensor | None = None, *, return_condition: bool = False
    ) -> Tensor:
        labels = self._resolve_labels(x, y)
        if self.check_labels:
            self._validate(x, t, labels)
        condition = self.get_conditioning(t, labels)
        velocity = self.velocity(x, condition)
        if return_condition:
            return velocity, condition
        return velocity
