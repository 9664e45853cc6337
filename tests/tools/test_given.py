"""The given parts: what earlier lessons built must be right, or nothing that stands on it can
be.
"""

import ast
import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import kata.given
from kata.course.loader import Implementation
from kata.course.steps import step_by_number
from kata.given import (
    AdaLayerNorm,
    Attention,
    DiT,
    DiTBlock,
    PatchEmbedding,
    TimestepEmbedding,
    get_device,
    position_embedding,
)
from kata.given.dit import sinusoids
from kata.testing.models import redraw_zeros

SMALL = {"img_size": 8, "patch_size": 2, "in_channels": 3, "embed_dim": 32, "depth": 2}


def count(module):
    """The number of parameters."""
    return sum(p.numel() for p in module.parameters())


def small(seed=0, **sizes):
    """A small DiT whose zeros were redrawn, so that everything in it shows."""
    torch.manual_seed(seed)
    dit = DiT(**(SMALL | {"num_heads": 4} | sizes))
    redraw_zeros(dit)
    return dit


def batch(size, image_shape=(3, 8, 8)):
    """Images and times."""
    g = torch.Generator().manual_seed(size)
    return torch.randn(size, *image_shape, generator=g), torch.rand(size, generator=g)


def close(a, b, tolerance=1e-5):
    """Whether two tensors have one shape and agree."""
    return a.shape == b.shape and float((a - b).detach().abs().max()) <= tolerance


@pytest.fixture(scope="module")
def full():
    """The DiT of the lesson, with all its defaults."""
    return DiT()


def test_the_count_of_parameters_is_that_of_the_lesson(full):
    """12,351,760 in all, and every part has its share: nothing is missing, doubled, or there by
    accident.
    """
    assert count(full) == 12_351_760
    assert count(full.patch_embed) == 4_352
    assert count(full.time_embed) == 1_312_768
    assert [tuple(p.shape) for p in full.time_embed.parameters()] == [
        (1024, 256),
        (1024,),
        (1024, 1024),
        (1024,),
    ]
    assert len(full.blocks) == 6
    for block in full.blocks:
        assert count(block.attention) == 263_168
        assert count(block.mlp) == 525_568
        assert count(block.norm1) + count(block.norm2) == 1_049_600
    assert count(full.norm) == 512
    assert count(full.head) == 4_112
    assert 4_352 + 1_312_768 + 6 * (263_168 + 525_568 + 1_049_600) + 512 + 4_112 == 12_351_760


def test_every_size_is_an_argument():
    """Depth, width, heads, patches, channels and the ratio of the MLP are what the arguments
    say.
    """
    dit = DiT(12, 3, 4, 16, 3, 2, 1.5)
    assert len(dit.blocks) == 3
    assert dit.cond_dim == 64
    assert dit.patch_embed.conv.weight.shape == (16, 4, 3, 3)
    assert dit.positions.shape == (16, 16)
    assert dit.blocks[0].mlp[0].weight.shape == (24, 16)
    assert dit.blocks[0].attention.num_heads == 2
    assert dit.head.weight.shape == (4 * 9, 16)
    x, t = batch(2, (4, 12, 12))
    assert dit(x, t).shape == x.shape


def test_blocks_share_nothing(full):
    """Each block has weights of its own, drawn by themselves."""
    first, last = (dict(full.blocks[i].named_parameters()) for i in (0, 5))
    assert all(first[name] is not last[name] for name in first)
    assert not torch.equal(first["mlp.0.weight"], last["mlp.0.weight"])


def test_positions_are_a_buffer_and_not_saved(full):
    """The positions move with the model, are no parameters, and are not part of a checkpoint."""
    assert "positions" in dict(full.named_buffers())
    assert "positions" not in dict(full.named_parameters())
    assert "positions" not in full.state_dict()
    assert full.positions.shape == (49, 256)
    assert not full.positions.requires_grad


def test_every_place_has_a_position_of_its_own():
    """49 different vectors, told apart by row and by column: (i, j) is not (j, i)."""
    positions = position_embedding(7, 256).view(7, 7, 256)
    flat = positions.reshape(49, 256)
    assert float((torch.cdist(flat, flat) + 9 * torch.eye(49)).min()) > 0.1
    rows, columns = positions[..., :128], positions[..., 128:]
    assert torch.equal(rows, rows[:, :1].expand_as(rows))
    assert torch.equal(columns, columns[:1].expand_as(columns))
    assert torch.equal(rows[:, 0], columns[0])
    assert not close(positions[1, 4], positions[4, 1], 0.1)


def test_moved_patches_are_not_just_moved_answers():
    """Attention alone would not notice the order of patches; with the positions it matters."""
    dit = small()
    x, t = batch(1)
    swapped = torch.cat([x[..., 4:], x[..., :4]], dim=-1)
    answer = dit(x, t)
    assert not close(dit(swapped, t), torch.cat([answer[..., 4:], answer[..., :4]], dim=-1), 1e-2)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_patches_go_back_where_they_came_from(channels):
    """Cut into patches and put together again, an image without symmetry and with several
    channels is itself.
    """
    dit = DiT(12, 3, channels, 16, 1, 2)
    x = torch.arange(2 * channels * 144, dtype=torch.float32).view(2, channels, 12, 12)
    assert torch.equal(dit.unpatchify(F.unfold(x, 3, stride=3).transpose(1, 2)), x)


def test_patch_embedding_cuts_as_unpatchify_puts_together():
    """With the identity as its weights, the patch convolution is undone by unpatchify."""
    dit = DiT(12, 3, 4, 36, 1, 2)
    embed = PatchEmbedding(3, 4, 36)
    with torch.no_grad():
        embed.conv.weight.copy_(torch.eye(36).view(36, 4, 3, 3))
        embed.conv.bias.zero_()
    x = torch.randn(2, 4, 12, 12)
    assert embed(x).shape == (2, 16, 36)
    assert close(dit.unpatchify(embed(x)), x)


def test_the_head_writes_each_patch_in_its_place():
    """Without blocks the model works patch by patch: a changed patch changes its own pixels
    alone.
    """
    dit = small(depth=0)
    x, t = batch(1)
    before = dit(x, t)
    x[:, :, 2:4, 6:8] += 1
    changed = ((dit(x, t) - before).abs() > 1e-6).any(1)[0]
    assert changed[2:4, 6:8].all()
    assert int(changed.sum()) == 4


def test_a_new_model_predicts_zero(full):
    """The head and the adaLN projections start at zero, nothing else does but biases of the
    norm.
    """
    x, t = batch(3, (1, 28, 28))
    assert not full(x, t).any()
    zero = {name for name, p in full.named_parameters() if not p.any()}
    projections = {
        f"blocks.{i}.norm{n}.project.{kind}"
        for i in range(6)
        for n in (1, 2)
        for kind in ("weight", "bias")
    }
    assert zero == projections | {"head.weight", "head.bias", "norm.bias"}


def test_adaptive_layer_norm_starts_as_a_plain_one():
    """With its projection at zero, adaLN is a layer norm without affine part, whatever the
    condition says.
    """
    adaptive = AdaLayerNorm(16, 64)
    x, c = 5 + 3 * torch.randn(3, 7, 16), torch.randn(3, 64)
    assert close(adaptive(x, c), F.layer_norm(x, (16,), eps=1e-6))
    assert count(adaptive.norm) == 0
    assert count(adaptive) == 64 * 32 + 32


@pytest.mark.parametrize("size", [(1, 5), (4, 4), (3, 16), (16, 3)])
def test_adaptive_layer_norm_is_modulate_of_step_2(size):
    """AdaLN is the layer norm, modulated by the solution's `modulate` with the projection's
    scale and shift.
    """
    modulate = Implementation("solutions").module(step_by_number(2)).modulate
    samples, tokens = size
    adaptive = AdaLayerNorm(16, 64)
    redraw_zeros(adaptive)
    x, c = torch.randn(samples, tokens, 16), torch.randn(samples, 64)
    scale, shift = adaptive.project(F.silu(c)).chunk(2, dim=-1)
    assert close(adaptive(x, c), modulate(F.layer_norm(x, (16,), eps=1e-6), scale, shift))
    assert not close(adaptive(x, c), adaptive(x, 2 * c), 1e-2)


@pytest.mark.parametrize("heads", [1, 4, 8])
def test_attention_is_that_of_torch(heads):
    """With the same weights it is nn.MultiheadAttention over the tokens of each image."""
    torch.manual_seed(heads)
    attention = Attention(32, heads)
    torch_one = nn.MultiheadAttention(32, heads, batch_first=True)
    with torch.no_grad():
        torch_one.in_proj_weight.copy_(attention.qkv.weight)
        torch_one.in_proj_bias.copy_(attention.qkv.bias)
        torch_one.out_proj.load_state_dict(attention.out.state_dict())
    x = torch.randn(3, 7, 32)
    assert close(attention(x), torch_one(x, x, x, need_weights=False)[0])


def test_a_block_has_two_branches():
    """x + attention(norm1(x)), then + mlp(norm2(·)), of which the MLP bends and works on each
    token alone.
    """
    block = DiTBlock(16, 64, 2, 4.0)
    redraw_zeros(block)
    x, c = torch.randn(2, 5, 16), torch.randn(2, 64)
    middle = x + block.attention(block.norm1(x, c))
    assert close(block(x, c), middle + block.mlp(block.norm2(middle, c)))
    assert not close(block.mlp(x) + block.mlp(-x), 2 * block.mlp(torch.zeros_like(x)), 1e-3)
    assert close(block.mlp(x)[:, 2:3], block.mlp(x[:, 2:3]))


@pytest.mark.parametrize("size", [2, 8, 16, 32])
def test_samples_do_not_mix(size):
    """Sizes at which batch, tokens, width and features meet: with one sample changed, the others
    stay.
    """
    dit = small()
    x, t = batch(size)
    before = dit(x, t)
    one_by_one = torch.cat([dit(x[i : i + 1], t[i : i + 1]) for i in range(size)])
    assert close(before, one_by_one)
    x[1], t[1] = -x[1], 1 - t[1]
    after = dit(x, t)
    others = [i for i in range(size) if i != 1]
    assert close(after[others], before[others])
    assert not close(after[1], before[1], 1e-2)


def test_every_parameter_has_a_part():
    """Each parameter gets a gradient once the zeros are redrawn, so no layer is dead or used in
    another's place.
    """
    dit = small()
    x, t = batch(4)
    dit(x, t).square().sum().backward()
    assert [n for n, p in dit.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_the_zero_start_is_no_trap():
    """A new model leaves its zeros: after three steps of the optimiser a gradient reaches every
    parameter.
    """
    torch.manual_seed(0)
    dit = DiT(**SMALL, num_heads=4)
    x, t = batch(8)
    optimizer = torch.optim.AdamW(dit.parameters(), lr=1e-2)
    for _ in range(4):
        optimizer.zero_grad()
        (dit(x, t) - x).square().mean().backward()
        optimizer.step()
    assert [n for n, p in dit.named_parameters() if not p.grad.any()] == []


def test_train_and_eval_mode_are_alike():
    """There is no dropout and no batch norm: both modes and repeated calls agree bit by bit."""
    dit = small()
    x, t = batch(5)
    assert torch.equal(dit.train()(x, t), dit.eval()(x, t))
    assert torch.equal(dit(x, t), dit(x, t))


def test_condition_reaches_every_block():
    """`velocity` hands its condition to all blocks, and `forward` is `velocity` under the time."""
    dit = small(depth=3)
    seen = []
    for block in dit.blocks:
        block.register_forward_hook(lambda module, args, result: seen.append(args[1]))
    x, t = batch(2)
    c = torch.randn(2, dit.cond_dim)
    dit.velocity(x, c)
    assert len(seen) == 3
    assert all(torch.equal(each, c) for each in seen)
    assert torch.equal(dit(x, t), dit.velocity(x, dit.time_embed(t)))


def test_frequencies_fall_from_one_to_a_ten_thousandth():
    """The sinusoids are those of the paper: geometric frequencies, a cosine and a sine of each."""
    t = torch.tensor([0.0, 0.3, 7.0, 1000.0])
    features = sinusoids(t, 64)
    for k in range(32):
        angle = t.double() * 10_000 ** (-k / 32)
        assert close(features[:, k].double(), angle.cos(), 1e-4)
        assert close(features[:, 32 + k].double(), angle.sin(), 1e-4)
    assert torch.equal(features[0], torch.cat([torch.ones(32), torch.zeros(32)]))
    assert 1 <= 10_000 * 10_000 ** (-31 / 32) < 2


@pytest.mark.parametrize("size", [1, 16, 32])
def test_each_time_has_a_row_of_its_own(size):
    """Rows do not depend on the batch, also where it is as large as the number of frequencies or
    features.
    """
    embedding = TimestepEmbedding(32, 128)
    t = torch.rand(size)
    together = embedding(t)
    assert together.shape == (size, 128)
    assert close(together, torch.cat([embedding(t[i : i + 1]) for i in range(size)]))


def test_times_are_told_apart():
    """Times in [0, 1] are spread out by the factor 1000: near ones differ, far ones are unlike,
    none is cut to 0.
    """
    features = sinusoids(1000.0 * torch.tensor([0.2, 0.5, 0.501, 0.52, 0.8]), 256)
    likeness = F.cosine_similarity(features[1:2], features)
    assert float(likeness[3]) < 0.99
    assert float(likeness[2]) < 0.9999
    ranks = torch.linalg.svdvals(sinusoids(1000.0 * torch.linspace(0, 1, 101), 256))
    assert int((ranks > 0.01 * ranks[0]).sum()) > 20
    embedding = TimestepEmbedding(256, 64)
    a, b = embedding(torch.tensor([0.2, 0.8]))
    assert not close(a, b, 1e-2)


def test_time_mlp_bends_and_keeps_the_sinusoids():
    """Linear, SiLU, Linear on the bare sinusoids of 1000 t."""
    embedding = TimestepEmbedding(32, 128)
    first, second = (layer for layer in embedding.mlp if isinstance(layer, nn.Linear))
    t = torch.rand(5)
    features = sinusoids(1000.0 * t, 32)
    assert close(embedding(t), second(F.silu(first(features))))
    assert float(features.min()) < -0.5


def test_half_precision_does_not_blur_the_time():
    """In a bfloat16 model the sinusoids are still computed in float32: t and t + 0.001 differ."""
    embedding = TimestepEmbedding(256, 64).to(torch.bfloat16)
    seen = []
    embedding.mlp[0].register_forward_hook(lambda module, args, result: seen.append(args[0]))
    result = embedding(torch.tensor([0.5, 0.501]))
    assert result.dtype == torch.bfloat16
    exact = sinusoids(1000.0 * torch.tensor([0.5, 0.501]), 256)
    assert close(seen[0].float(), exact, 0.01)
    assert not close(seen[0][0].float(), seen[0][1].float(), 0.5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_model_works_in_its_own_dtype(dtype):
    """A float64 model takes float64 images and answers in float64."""
    dit = small().to(dtype)
    x, t = (v.to(dtype) for v in batch(2))
    assert dit(x, t).dtype == dtype


def test_everything_lies_on_the_device_of_the_model():
    """On the meta device, where nothing can be mixed in from the CPU, a forward pass finds all
    it needs.
    """
    dit = DiT(**SMALL, num_heads=4).to("meta")
    result = dit(torch.empty(2, 3, 8, 8, device="meta"), torch.empty(2, device="meta"))
    assert result.device.type == "meta"
    assert result.shape == (2, 3, 8, 8)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that speaks CUDA")
def test_a_gpu_gives_what_the_cpu_gives():
    """The same velocity on a CUDA device, to rounding."""
    dit = small()
    x, t = batch(4)
    expected = dit(x, t)
    assert close(dit.cuda()(x.cuda(), t.cuda()).cpu(), expected, 1e-2)


@pytest.mark.parametrize(
    "sizes",
    [
        {"img_size": 9, "patch_size": 2},
        {"img_size": 28, "patch_size": 5},
        {"embed_dim": 32, "num_heads": 3},
        {"embed_dim": 30, "num_heads": 2},
        {"embed_dim": 33, "num_heads": 3},
    ],
    ids=str,
)
def test_sizes_that_do_not_fit_are_refused(sizes):
    """An image that is no whole number of patches, a width that no heads or positions divide:
    ValueError.
    """
    with pytest.raises(ValueError, match=str(next(iter(sizes.values())))):
        DiT(**({"depth": 1} | sizes))


def test_an_odd_number_of_sinusoids_is_refused():
    """Cosines and sines come in pairs."""
    with pytest.raises(ValueError, match="even"):
        TimestepEmbedding(31, 128)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 10), (3, 10, 8), (3, 4, 4), (8, 8)], ids=str)
def test_images_of_another_shape_are_refused(shape):
    """An image of other channels or sizes is not cropped, but refused."""
    with pytest.raises(ValueError, match="x must have shape"):
        small()(torch.randn(2, *shape), torch.rand(2))


@pytest.mark.parametrize("shape", [(), (2, 1), (2, 1, 1, 1), (1, 2)], ids=str)
def test_times_of_another_shape_are_refused(shape):
    """Times are (B,), one a sample; nothing is broadcast."""
    with pytest.raises(ValueError, match="t must have shape"):
        small()(torch.randn(2, 3, 8, 8), torch.rand(shape))


@pytest.mark.parametrize("shape", [(1, 128), (3, 128), (2, 32), (2, 1, 128), (128,)], ids=str)
def test_conditions_of_another_shape_are_refused(shape):
    """A condition is (B, cond_dim); one for all samples is not broadcast."""
    with pytest.raises(ValueError, match="c must have shape"):
        small().velocity(torch.randn(2, 3, 8, 8), torch.randn(shape))


def test_one_time_for_two_images_is_refused():
    """A single time does not pass for a batch."""
    with pytest.raises(ValueError, match="c must have shape"):
        small()(torch.randn(2, 3, 8, 8), torch.rand(1))


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_the_best_device_is_taken(monkeypatch, cuda, mps, expected):
    """A CUDA GPU before Apple's GPU before the CPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert get_device() == torch.device(expected)


def test_the_given_parts_import_torch_alone():
    """Nothing but torch and the standard library's math stands behind them."""
    names = set()
    for path in Path(kata.given.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                module = node.module or ""
                names.add(module if module.startswith("kata") else module.partition(".")[0])
    assert {n for n in names if not n.startswith("kata.given")} == {"math", "torch"}


def test_a_new_model_starts_at_the_loss_of_predicting_nothing():
    """Its first loss is that of the velocity 0, the mean square of x1 - x0."""
    dit = DiT(**SMALL, num_heads=4)
    x0, t = batch(6)
    x1 = torch.randn_like(x0)
    x_t = (1 - t.view(-1, 1, 1, 1)) * x0 + t.view(-1, 1, 1, 1) * x1
    loss = F.mse_loss(dit(x_t, t), x1 - x0).detach()
    assert math.isclose(float(loss), float((x1 - x0).square().mean()), rel_tol=1e-6)
