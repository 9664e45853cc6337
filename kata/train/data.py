"""Real handwriting: scikit-learn's 8x8 digits, and MNIST."""

import contextlib
import io
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kata.course import KataError
from kata.course.files import cache_folder, shown

SPLIT_SEED = 0
"""The digits are split in the same way in every run, whatever its seed."""

MNIST_FILES = {
    "train-images-idx3-ubyte": 47_040_016,
    "train-labels-idx1-ubyte": 60_008,
    "t10k-images-idx3-ubyte": 7_840_016,
    "t10k-labels-idx1-ubyte": 10_008,
}
"""The four raw files, with their sizes in bytes."""


class DataError(KataError):
    """A data set cannot be had."""


@dataclass(frozen=True)
class Dataset:
    """Labelled images, split into those to train on and those held out.

    images, held_out_images: float32 `(N, 1, H, W)`, pixels in [-1, 1]; labels, held_out_labels:
    int64 `(N,)`, 0 .. 9. All on the CPU.
    """

    name: str
    images: Tensor
    labels: Tensor
    held_out_images: Tensor
    held_out_labels: Tensor

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width


def digits() -> Dataset:
    """Return scikit-learn's digits: 1,437 images of 8x8 pixels to train on and 360 held out.

    The split is the same in every run, and stratified: each class is held out in proportion.
    Nothing is downloaded.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    bunch = load_digits()
    images = torch.as_tensor(bunch.images, dtype=torch.float32)[:, None] / 8 - 1
    labels = torch.as_tensor(bunch.target, dtype=torch.int64)
    kept, held_out = train_test_split(
        torch.arange(len(labels)).numpy(),
        test_size=0.2,
        stratify=labels.numpy(),
        random_state=SPLIT_SEED,
    )
    return Dataset("digits", images[kept], labels[kept], images[held_out], labels[held_out])


def data_folder(chosen: Path | None = None) -> Path:
    """Return the folder of MNIST: the one chosen, $KATA_DATA, or `data` in the cache folder."""
    if chosen is not None:
        return chosen.expanduser()
    if named := os.environ.get("KATA_DATA"):
        return Path(named).expanduser()
    return cache_folder() / "data"


def mnist(folder: Path) -> Dataset:
    """Return MNIST: 60,000 images of 28x28 pixels to train on and 10,000 held out.

    folder: holds `MNIST/raw/` with the four raw files; if one is missing, all are downloaded once.
    Raise DataError if they are damaged or cannot be downloaded, or if torchvision does not import.
    """
    MNIST = import_torchvision().datasets.MNIST
    raw = folder / "MNIST" / "raw"
    if not all((raw / name).is_file() for name in MNIST_FILES):
        _download(folder)
    for name, size in MNIST_FILES.items():
        if (found := (raw / name).stat().st_size) != size:
            raise DataError(
                f"MNIST in {shown(folder)} is damaged: {name} has {found:,} bytes instead of {size:,}. "
                f"Delete {shown(raw)} and run this again to download it anew."
            )
    try:
        parts = [MNIST(str(folder), train=train) for train in (True, False)]
        labels = [torch.as_tensor(part.targets, dtype=torch.int64) for part in parts]
        images = [part.data.to(torch.float32)[:, None] / 127.5 - 1 for part in parts]
        if any(not 0 <= int(label.min()) <= int(label.max()) <= 9 for label in labels):
            raise ValueError("labels outside 0 .. 9")
    except (OSError, RuntimeError, ValueError, AssertionError, IndexError, KeyError) as error:
        why = str(error) or "its files hold something else"
        raise DataError(
            f"MNIST in {shown(folder)} is damaged ({why}). "
            f"Delete {shown(raw)} and run this again to download it anew."
        ) from None
    return Dataset("mnist", images[0], labels[0], images[1], labels[1])


def load_dataset(name: str, folder: Path | None = None) -> Dataset:
    """Return the data set `digits` or `mnist`; folder: of MNIST, as in `data_folder`."""
    if name == "digits":
        return digits()
    if name == "mnist":
        return mnist(data_folder(folder))
    raise DataError(f"There is no data set {name!r}: say digits or mnist.")


def import_torchvision() -> Any:
    """Return torchvision with its submodules; raise DataError if it does not import."""
    try:
        import torchvision.datasets
        import torchvision.transforms
    except Exception as error:  # a build for another release of PyTorch raises errors of many kinds
        why = str(error).strip().partition("\n")[0].rstrip(".")
        raise DataError(
            f"MNIST needs torchvision, which does not import here ({type(error).__name__}: {why}): "
            "install it together with PyTorch, by "
            "`pip install --upgrade --force-reinstall torch torchvision`."
        ) from None
    return torchvision


def to_range() -> Any:
    """Return torchvision's transform from a picture to a tensor with pixels in [-1, 1]."""
    transforms = import_torchvision().transforms
    return transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])


def _download(folder: Path) -> None:
    """Download the four files beside their place and move them there when all are whole."""
    MNIST = import_torchvision().datasets.MNIST
    raw = folder / "MNIST" / "raw"
    there = folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".mnist-", dir=folder) as fresh:
            with (
                contextlib.redirect_stdout(io.StringIO()),
                contextlib.redirect_stderr(io.StringIO()),
            ):
                MNIST(fresh, train=True, download=True)
            raw.mkdir(parents=True, exist_ok=True)
            for name in MNIST_FILES:
                os.replace(Path(fresh) / "MNIST" / "raw" / name, raw / name)
    except (OSError, RuntimeError, ValueError, AssertionError) as error:
        if not there:
            with contextlib.suppress(OSError):
                folder.rmdir()
        missing = [name for name in MNIST_FILES if not (raw / name).is_file()]
        why = (str(error) or type(error).__name__).strip().splitlines()[0].rstrip(".:")
        raise DataError(
            f"MNIST is not in {shown(folder)} (no {', '.join(missing)} in MNIST/raw) and could not be "
            f"downloaded ({why}). Name a folder that holds it with --data or KATA_DATA, or connect to a network."
        ) from None
