"""Where MNIST is looked for, and what is said when it is not there or damaged."""

import struct
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from kata.cli import app
from kata.train.by_trainer import RoundLoader, learning_rate, train_in_rounds
from kata.train.data import MNIST_FILES, DataError, data_folder, load_dataset, mnist


@pytest.fixture
def no_network(monkeypatch):
    """Every download fails, as without a network."""
    pytest.importorskip("torchvision")

    def fails(*arguments, **named):
        raise RuntimeError("Error downloading train-images-idx3-ubyte.gz:\nno route to host")

    monkeypatch.setattr("torchvision.datasets.mnist.download_and_extract_archive", fails)


def raw_files(folder, sizes):
    """Files of zeros under `MNIST/raw`."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, size in sizes.items():
        with (raw / name).open("wb") as file:
            file.truncate(size)


def test_the_option_comes_before_the_variable_and_that_before_the_cache(tmp_path, monkeypatch):
    """--data, then $KATA_DATA, then `data` in the cache folder."""
    monkeypatch.setenv("KATA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("KATA_DATA", raising=False)
    assert data_folder() == tmp_path / "cache" / "data"
    monkeypatch.setenv("KATA_DATA", str(tmp_path / "variable"))
    assert data_folder() == tmp_path / "variable"
    assert data_folder(tmp_path / "option") == tmp_path / "option"


def test_mnist_without_disk_and_network_is_one_sentence(tmp_path, no_network):
    """It names the folder and both ways out, and leaves no folder behind."""
    with pytest.raises(DataError) as caught:
        mnist(tmp_path / "data")
    assert "\n" not in str(caught.value)
    assert all(word in str(caught.value) for word in ("--data", "KATA_DATA", "network"))
    assert list(tmp_path.iterdir()) == []


def test_half_of_mnist_names_what_is_missing(tmp_path, no_network):
    """Two of the four files are not enough, and they stay where they are."""
    half = dict(list(MNIST_FILES.items())[:2])
    raw_files(tmp_path, half)
    with pytest.raises(DataError, match="t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte"):
        mnist(tmp_path)
    assert {p.name for p in (tmp_path / "MNIST" / "raw").iterdir()} == set(half)


def test_a_truncated_file_is_named(tmp_path):
    """Its size and the right one are said, and what to delete."""
    raw_files(tmp_path, {**MNIST_FILES, "t10k-images-idx3-ubyte": 1000})
    with pytest.raises(DataError, match=r"t10k-images-idx3-ubyte has 1,000 bytes.*Delete"):
        mnist(tmp_path)


def test_files_of_the_right_size_with_other_contents_are_refused(tmp_path):
    """Zeros are no MNIST."""
    raw_files(tmp_path, MNIST_FILES)
    with pytest.raises(DataError, match=r"damaged.*Delete"):
        mnist(tmp_path)


@pytest.fixture(params=["RuntimeError('operator torchvision::nms does not exist')", "missing"])
def broken_torchvision(request, tmp_path, monkeypatch):
    """A torchvision for another release of PyTorch comes first on the path, or there is none."""
    for name in [n for n in sys.modules if n.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    if request.param == "missing":
        monkeypatch.setitem(sys.modules, "torchvision", None)
        return
    package = tmp_path / "path" / "torchvision"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(f"raise {request.param}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(package.parent)


@pytest.mark.usefixtures("broken_torchvision")
@pytest.mark.parametrize(
    "command",
    [
        ["train", "mnist", "--steps", "1"],
        ["train", "document", "--steps", "1"],
        ["evaluate", "mnist-small"],
        ["demo", "--dataset", "mnist"],
        ["bench", "--only", "step"],
        ["bench", "--only", "recipes"],
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_torchvision_that_does_not_import_is_one_sentence(command, tmp_path):
    """It says what to install, with exit code 2; no folder is left behind."""
    out = ["--out", str(tmp_path / "run")] if command[0] in ("train", "demo") else []
    result = CliRunner().invoke(app, [*command, *out])
    assert result.exit_code == 2, result.output
    assert "torchvision, which does not import here" in result.stderr
    assert "pip install" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("broken_torchvision")
def test_the_digits_need_no_torchvision():
    assert len(load_dataset("digits").images) == 1437


def test_an_unknown_data_set_is_refused():
    """The two that there are, are named."""
    with pytest.raises(DataError, match="digits or mnist"):
        load_dataset("cifar")


def test_batches_go_on_where_they_stopped():
    """Two rounds of two batches see each of twelve images once; labels stay with their images."""
    images = torch.arange(12.0).view(12, 1, 1, 1)
    done = []
    loader = RoundLoader(images, torch.arange(12), 3, 2, seed=0, on_batch=lambda: done.append(1))
    assert len(loader) == 2
    seen = [*loader, *loader]
    assert sorted(int(v) for x, _ in seen for v in x.flatten()) == list(range(12))
    assert all(torch.equal(x.flatten().long(), y) for x, y in seen)
    assert len(done) == 4
    again = [*RoundLoader(images, torch.arange(12), 3, 4, seed=0)]
    assert all(torch.equal(a[1], b[1]) for a, b in zip(seen, again, strict=True))


def test_the_learning_rate_rises_then_falls():
    """Highest after the warm-up, near 0 at the end."""
    rates = [learning_rate(i, 40, 1.0, 4) for i in range(40)]
    assert rates.index(max(rates)) == 4
    assert 0.9 < max(rates) <= 1
    assert rates[0] < 0.2
    assert 0 < rates[-1] < 0.01


def test_a_cool_down_is_a_straight_line_after_a_constant_rate():
    """At the peak until the last quarter of the rounds, then in equal steps to near 0."""
    rates = [learning_rate(i, 40, 2.0, 4, cooldown=0.25) for i in range(40)]
    assert rates[:4] == pytest.approx([0.25, 0.75, 1.25, 1.75])
    assert set(rates[4:31]) == {2.0}
    assert rates[30:] == pytest.approx([2.0 - 0.2 * i for i in range(10)])


def test_a_loss_that_is_no_number_stops_the_training():
    """At once, and not after all rounds."""

    class Diverging:
        def __init__(self):
            self.optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))])
            self.rounds = 0

        def train(self, num_epochs):
            self.rounds += num_epochs
            return [float("nan")]

    trainer = Diverging()
    with pytest.raises(ValueError, match="nan"):
        train_in_rounds(trainer, 5, 1e-3, 1)
    assert trainer.rounds == 1


def small_mnist(folder, label=9):
    """Twenty black images in MNIST's files, under `MNIST/raw`; label: of all. Return the sizes."""
    raw, sizes = folder / "MNIST" / "raw", {}
    raw.mkdir(parents=True, exist_ok=True)
    for name in MNIST_FILES:
        images = "images" in name
        head = struct.pack(">IIII", 2051, 20, 28, 28) if images else struct.pack(">II", 2049, 20)
        content = head + (bytes(20 * 784) if images else bytes([label] * 20))
        (raw / name).write_bytes(content)
        sizes[name] = len(content)
    return sizes


def test_mnist_is_read_into_the_range(tmp_path, monkeypatch):
    """Black is -1; labels are int64."""
    monkeypatch.setattr("kata.train.data.MNIST_FILES", small_mnist(tmp_path))
    data = mnist(tmp_path)
    assert data.images.shape == data.held_out_images.shape == (20, 1, 28, 28)
    assert (data.images == -1).all()
    assert data.labels.tolist() == data.held_out_labels.tolist() == [9] * 20


def test_labels_that_are_no_digits_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("kata.train.data.MNIST_FILES", small_mnist(tmp_path, label=10))
    with pytest.raises(DataError, match=r"damaged \(labels outside 0 \.\. 9\).*Delete"):
        mnist(tmp_path)


def test_what_is_downloaded_is_moved_to_its_place(tmp_path, monkeypatch):
    """Beside the four files nothing is left."""
    datasets = pytest.importorskip("torchvision").datasets
    sizes = small_mnist(tmp_path / "example")

    class Downloaded(datasets.MNIST):
        def download(self):
            small_mnist(Path(self.root))

    Downloaded.__name__ = "MNIST"  # torchvision names the folder by it
    monkeypatch.setattr("kata.train.data.MNIST_FILES", sizes)
    monkeypatch.setattr(datasets, "MNIST", Downloaded)
    assert len(mnist(tmp_path / "data").labels) == 20
    files = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert sorted(path.name for path in files) == sorted(sizes)
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["MNIST"]
