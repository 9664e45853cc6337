"""In the style of a language model: every argument is checked, helpers, a keyword for the
deviation, and a representation for print.
"""

from typing import Final

DEFAULT_STD: Final = 0.02


def _validate_labels(labels: torch.Tensor, num_rows: int) -> torch.Tensor:
    """Validate labels and return them as int64."""
    if not isinstance(labels, torch.Tensor):
        raise TypeError(f"Expected labels to be a torch.Tensor, got {type(labels).__name__}.")
    if labels.dtype not in (torch.int64, torch.int32, torch.int16, torch.uint8):
        raise TypeError(f"Expected integer labels, got {labels.dtype}.")
    if labels.numel() > 0 and not labels.is_meta:
        low, high = int(labels.min()), int(labels.max())
        if low < 0 or high >= num_rows:
            raise ValueError(f"Labels must be in [0, {num_rows - 1}], got [{low}, {high}].")
    return labels.to(torch.long)


class ClassEmbedding(nn.Module):
    """Embed class labels, with an additional learnable row for the null class."""

    def __init__(self, num_classes: int, embed_dim: int, *, std: float = DEFAULT_STD) -> None:
        super().__init__()
        if num_classes < 1 or embed_dim < 1:
            raise ValueError("num_classes and embed_dim must be positive.")
        self.num_classes: int = num_classes
        self.null_class: int = num_classes
        self.embed = nn.Embedding(num_classes + 1, embed_dim)
        self.reset_parameters(std)

    def reset_parameters(self, std: float = DEFAULT_STD) -> None:
        """Initialise the embedding table."""
        nn.init.normal_(self.embed.weight, mean=0.0, std=std)

    def forward(self, y: torch.Tensor) -> torch.Tensor:
        labels = _validate_labels(y, self.embed.num_embeddings)
        return self.embed(labels)

    def extra_repr(self) -> str:
        return f"num_classes={self.num_classes}"
