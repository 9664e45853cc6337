"""Step 5: the conditional DiT."""

import pytest
import torch

from kata.given import DiT
from kata.testing.assertions import (
    LABEL_ERRORS,
    check_close,
    check_raises,
    check_tensor,
    check_that,
    described,
    is_number,
    unchanged,
)
from kata.testing.bounds import generator
from kata.testing.models import redraw_zeros

SMALL = {
    "img_size": 8,
    "patch_size": 2,
    "in_channels": 3,
    "embed_dim": 32,
    "depth": 2,
    "num_heads": 4,
    "mlp_ratio": 4.0,
}
OTHERS = {
    "one channel": {"in_channels": 1},
    "four channels": {"in_channels": 4},
    "large image": {"img_size": 12, "patch_size": 3},
    "narrow": {"embed_dim": 16},
    "deep": {"depth": 3},
    "one head": {"num_heads": 1},
    "eight heads": {"num_heads": 8},
    "narrow MLP": {"mlp_ratio": 1.5},
}
TABLE = "class_embed.embed.weight"
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def check_weights(model, dit, num_classes, called):
    """Fail unless the state_dict is that of the given DiT, by names and shapes, plus the class table."""
    check_that(
        isinstance(model, DiT),
        called=called,
        got=f"is made of {', '.join(c.__name__ for c in type(model).__mro__[:2])}",
        must="ConditionalDiT is a subclass of the given DiT",
        hint="class ConditionalDiT(DiT), whose __init__ calls super().__init__ with the sizes",
    )
    shapes = {name: tuple(w.shape) for name, w in model.state_dict().items()}
    expected = {name: tuple(w.shape) for name, w in dit.state_dict().items()}
    expected[TABLE] = (num_classes + 1, dit.cond_dim)
    wrong = {
        name: f"{shapes.get(name, 'missing')} instead of {expected.get(name, 'nothing')}"
        for name in sorted(shapes.keys() | expected.keys())
        if shapes.get(name) != expected.get(name)
    }
    check_that(
        not wrong,
        called=f"{called}.state_dict()",
        got="differs from what it must be, such as in "
        + "; ".join(f"{name}: {how}" for name, how in list(wrong.items())[:3]),
        must=f"the weights are those of DiT of the same sizes, and {TABLE} "
        f"of shape {expected[TABLE]}, which is (K + 1, cond_dim)",
        hint="hand every size on to super().__init__ and add self.class_embed, nothing else",
    )


def conditional(step, num_classes=7, **sizes):
    """A DiT of random weights, a random table, and the ConditionalDiT with both of them loaded."""
    sizes = SMALL | sizes
    torch.manual_seed(num_classes)
    dit = DiT(**sizes)
    redraw_zeros(dit)
    table = torch.randn(num_classes + 1, dit.cond_dim)
    model = step.ConditionalDiT(num_classes, **sizes)
    check_weights(model, dit, num_classes, f"ConditionalDiT({num_classes}, ...)")
    model.load_state_dict(dit.state_dict() | {TABLE: table})
    return model, dit, table


def inputs(num_classes=7, batch=5, seed=0, image_shape=(3, 8, 8)):
    """Images, times and mixed labels, null among them."""
    g = generator(seed)
    x = torch.randn(batch, *image_shape, generator=g)
    t = torch.rand(batch, generator=g)
    y = (torch.arange(batch) * 3 + num_classes - seed) % (num_classes + 1)
    return x, t, y


def expected(dit, table, x, t, y):
    """What the given DiT makes of x under the sum of time and class."""
    with torch.no_grad():
        return dit.velocity(x, dit.time_embed(t) + table[y])


def test_default_model_has_the_size_of_the_lesson(step):
    """By default it is the given DiT, of 12,351,760 parameters, and an 11 x 1024 table: 12,363,024."""
    model, dit = step.ConditionalDiT(), DiT()
    check_weights(model, dit, 10, "ConditionalDiT()")
    count = sum(p.numel() for p in model.parameters())
    check_that(
        count == 12_363_024,
        called="ConditionalDiT() and counted its parameters",
        got=f"has {count:,}",
        must="it has 12,363,024: the 12,351,760 of DiT() and 11 x 1024 of the table",
        hint="the defaults are those of DiT, with 10 classes",
    )
    redraw_zeros(dit)
    model.load_state_dict(dit.state_dict() | {TABLE: torch.zeros(11, 1024)})
    x, t, y = inputs(10, 2, image_shape=(1, 28, 28))
    check_close(
        model(x, t, y),
        expected(dit, torch.zeros(11, 1024), x, t, y),
        called="ConditionalDiT() with the weights of a DiT() and a table of zeros",
        must="it is then that DiT, with its 8 heads on 28 x 28 images of one channel",
        hint="hand the defaults on as they are",
        tolerance=1e-4,
    )


@pytest.mark.parametrize("num_classes", [3, 7, 10])
def test_classes_are_counted_from_the_argument(step, num_classes):
    """`.num_classes` and `.null_class` are K, and the table has K + 1 rows."""
    model = step.ConditionalDiT(num_classes=num_classes, **SMALL)
    check_weights(model, DiT(**SMALL), num_classes, f"ConditionalDiT(num_classes={num_classes})")
    for name in ("num_classes", "null_class"):
        value = getattr(model, name, None)
        check_that(
            is_number(value) and value == num_classes,
            called=f"ConditionalDiT(num_classes={num_classes}).{name}",
            got=f"gave {described(value)}",
            must=f"it is {num_classes}: the real classes are 0 to {num_classes - 1}, null is {num_classes}",
            hint="keep the argument as an attribute; no 10 stands anywhere in the code",
        )


@pytest.mark.parametrize("change", OTHERS.values(), ids=OTHERS.keys())
def test_every_size_is_handed_on(step, change):
    """Each argument of DiT has its effect: the weights fit, and the function is that of a DiT of these sizes."""
    model, dit, table = conditional(step, 3, **change)
    x, t, y = inputs(3, image_shape=dit.image_shape)
    check_close(
        model(x, t, y),
        expected(dit, table, x, t, y),
        called=f"ConditionalDiT(3, ..., {', '.join(f'{k}={v}' for k, v in change.items())})",
        must="with the weights of a DiT of these sizes it gives that DiT's velocity under h_t + E[y]",
        hint="hand every argument on to super().__init__, in the right order",
        tolerance=1e-4,
    )


def test_arguments_come_in_the_order_of_the_lesson(step):
    """By position they are num_classes, img_size, patch_size, in_channels, embed_dim, depth, num_heads, mlp_ratio."""
    sizes = SMALL | {"depth": 3, "num_heads": 2, "mlp_ratio": 1.5}
    model = step.ConditionalDiT(7, *sizes.values())
    check_weights(model, DiT(**sizes), 7, "ConditionalDiT(7, 8, 2, 3, 32, 3, 2, 1.5)")


def test_new_model_starts_as_the_given_parts_do(step):
    """The table starts as N(0, 0.02), and what is zero in a new DiT, such as the head, is zero here."""
    sizes = SMALL | {"embed_dim": 256, "depth": 1}
    model, dit = step.ConditionalDiT(10, **sizes), DiT(**sizes)
    check_weights(model, dit, 10, "ConditionalDiT(10, ...)")
    zero, must_be = (
        {name for name, p in m.named_parameters() if not p.any()} for m in (model, dit)
    )
    check_that(
        zero == must_be,
        called="ConditionalDiT(10, ...) and looked for parameters that start at zero",
        got=f"differs from a new DiT in {sorted(zero ^ must_be)[:3]}",
        must="the given parts keep their start: the head and the adaLN projections are zero",
        hint="initialise nothing anew: the parts do so when they are made",
    )
    mean, deviation = (float(f(model.state_dict()[TABLE])) for f in (torch.mean, torch.std))
    check_that(
        abs(mean) < 0.003 and 0.018 < deviation < 0.022,
        called="ConditionalDiT(10, ...) and looked at its 11 x 1024 class table",
        got=f"starts with mean {mean:.4f} and standard deviation {deviation:.4f}",
        must="the table starts as ClassEmbedding makes it, N(0, 0.02)",
        hint="use the ClassEmbedding of step 1 as it is",
    )


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("num_classes", [3, 7, 10])
@pytest.mark.parametrize("batch", [1, 2, 5, 8, 16, 32])
def test_velocity_is_that_of_the_dit_under_time_plus_class(step, num_classes, batch, training):
    """v(x, t, y) is the given DiT under c = h_t + E[y], each sample with its own t and y, for any batch and mode."""
    model, dit, table = conditional(step, num_classes)
    model.train(training)
    x, t, y = inputs(num_classes, batch, seed=batch)
    check_close(
        model(x, t, y),
        expected(dit, table, x, t, y),
        called=f"model(x, t, y) with K = {num_classes} and y = {y.tolist()[:8]}, "
        f"in {'train' if training else 'eval'} mode",
        must="every block of the DiT is steered by c = h_t + E[y], row i by t[i] and y[i]",
        hint="which vector do the blocks get, is it the sum, and do all of them get it?",
        tolerance=1e-4,
    )


@pytest.mark.parametrize("num_classes", [3, 10])
def test_every_label_gives_another_velocity(step, num_classes):
    """One image at one time has K + 1 different velocities, one for each label and one for null."""
    model, _, _ = conditional(step, num_classes)
    x, t, _ = inputs(num_classes, 1)
    y = torch.arange(num_classes + 1)
    v = model(x.expand(len(y), -1, -1, -1), t.expand(len(y)), y=y)
    called = f"model(x, t, y) with one image and one time under all labels 0 to {num_classes}"
    check_tensor(v, (len(y), 3, 8, 8), torch.float32, called=called, must="one velocity a label")
    same = [(i, j) for i in range(len(y)) for j in range(i) if (v[i] - v[j]).abs().max() < 1e-3]
    check_that(
        not same,
        called=called,
        got=f"gave one and the same velocity for the labels {same[:3]}",
        must="the label steers the blocks, so each gives another velocity",
        hint="is E[y] part of what reaches the blocks?",
    )


@pytest.mark.parametrize("labelled", [True, False])
def test_time_matters_with_and_without_a_label(step, labelled):
    """One image has another velocity at another time, under None too."""
    model, _, _ = conditional(step)
    x, _, y = inputs(batch=1)
    v = [model(x, torch.tensor([time]), y if labelled else None) for time in (0.1, 0.5, 0.9)]
    called = f"model(x, t, {'y' if labelled else 'None'}) with one image at t = 0.1, 0.5 and 0.9"
    for each in v:
        check_tensor(each, (1, 3, 8, 8), torch.float32, called=called, must="one velocity a time")
    check_that(
        min((a - b).detach().abs().max() for a, b in ((v[0], v[1]), (v[1], v[2]))) > 1e-3,
        called=called,
        got="gave the same velocity",
        must="the time belongs to the condition, whatever the label is",
        hint="None stands for the null class; the time is there all the same",
    )


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("num_classes", "batch"), [(3, 1), (7, 5), (10, 16)])
def test_none_is_the_null_class(step, num_classes, batch, training):
    """No label, None and K give bitwise the same: the velocity under the table's null row."""
    model, dit, table = conditional(step, num_classes)
    model.train(training)
    x, t, _ = inputs(num_classes, batch)
    null = torch.full((batch,), num_classes)
    check_close(
        model(x, t, None),
        expected(dit, table, x, t, null),
        called="model(x, t, None)",
        must="None means the null class for every sample: c = h_t + E[K]",
        hint="None goes the same way as labels do, through the table's last row",
        tolerance=1e-4,
    )
    with torch.no_grad():
        omitted, none, labelled = model(x, t), model(x, t, None), model(x, t, null)
    check_that(
        torch.equal(omitted, none) and torch.equal(none, labelled),
        called=f"model(x, t), model(x, t, None) and model(x, t, y) with y = {num_classes} throughout",
        got="gave different velocities",
        must="the three are one and the same, bit by bit",
        hint="turn None into null labels at the start and leave the rest as it is",
    )


def test_none_fits_every_batch(step):
    """One model takes None for batches of any size, one after another."""
    model, dit, table = conditional(step)
    for batch in (3, 8, 2):
        x, t, _ = inputs(batch=batch)
        check_close(
            model(x, t),
            expected(dit, table, x, t, torch.full((batch,), 7)),
            called=f"model(x, t) on {batch} samples, after batches of other sizes",
            must="None is the null class for each of the samples that are there",
            hint="make the null labels anew in every call",
            tolerance=1e-4,
        )


@pytest.mark.parametrize("batch", [2, 5, 8, 16, 32])
def test_samples_do_not_mix(step, batch):
    """With another image, time and label for one sample, the velocities of the others stay."""
    model, dit, table = conditional(step)
    x, t, y = inputs(batch=batch)
    before = expected(dit, table, x, t, y)
    x[1], t[1], y[1] = -x[1], 1 - t[1], (y[1] + 1) % 8
    after = model(x, t, y)
    called = (
        f"model(x, t, y) on {batch} samples, after image, time and label of sample 1 were changed"
    )
    check_tensor(after, (batch, 3, 8, 8), torch.float32, called=called, must="a velocity a sample")
    others = [i for i in range(batch) if i != 1]
    check_close(
        after[others],
        before[others],
        called=called,
        must="a sample's velocity depends on its own image, time and label alone",
        hint="no y[0], no mean over the batch, no new axis in front of which batch and tokens could meet",
        tolerance=1e-4,
    )


def test_every_parameter_gets_a_gradient(step):
    """Gradients flow to all parameters, and to just those rows of the table that were looked up."""
    model, _, _ = conditional(step)
    x, t, _ = inputs(batch=4)
    v = model(x, t, torch.tensor([2, 7, 0, 2]))
    called = "model(x, t, y) with y = [2, 7, 0, 2] of K = 7 and went backward"
    check_tensor(v, (4, 3, 8, 8), torch.float32, called=called, must="one velocity a sample")
    check_that(
        v.requires_grad,
        called=called,
        got="returned a velocity without a gradient",
        must="the model can be trained",
        hint="no detach(), no torch.no_grad()",
    )
    v.square().sum().backward()
    idle = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    check_that(
        not idle,
        called=called,
        got=f"left without a gradient: {', '.join(idle[:3])}{', …' if idle[3:] else ''}",
        must="every parameter has a part in the velocity",
        hint="nothing may be detached on the way from the table and the time to the blocks",
    )
    rows = model.get_parameter(TABLE).grad.abs().sum(1).nonzero().flatten().tolist()
    check_that(
        rows == [0, 2, 7],
        called=called,
        got=f"gave gradients to the rows {rows} of the table",
        must="the rows 0, 2 and 7, the null row, were looked up, and they alone learn",
        hint="look up each sample's own label, once",
    )


@pytest.mark.parametrize("training", [True, False])
def test_no_label_is_dropped(step, training):
    """256 labelled samples keep their labels in both modes: label dropout belongs to the training loop."""
    model, dit, table = conditional(step, 10, img_size=4)
    model.train(training)
    x, t, _ = inputs(10, 256, image_shape=(3, 4, 4))
    y = torch.arange(256) % 10
    check_close(
        model(x, t, y),
        expected(dit, table, x, t, y),
        called=f"model(x, t, y) on 256 labelled samples in {'train' if training else 'eval'} mode",
        must="each sample gets the velocity of its own label",
        hint="nothing random in the model: labels are dropped by the training loop alone",
        tolerance=1e-4,
    )


def test_large_velocities_are_not_clamped(step):
    """The velocity has no range: it comes out as the head makes it."""
    model, dit, table = conditional(step)
    with torch.no_grad():
        model.head.weight.mul_(30)
        dit.head.weight.mul_(30)
    x, t, y = inputs()
    check_close(
        model(x, t, y),
        expected(dit, table, x, t, y),
        called="model(x, t, y) with a head that makes large numbers",
        must="what the DiT's head gives is the velocity",
        hint="no tanh, no clamp: a velocity is no image",
        tolerance=1e-4,
    )


def test_no_input_is_changed(step):
    """x, t and y are as they were."""
    model, _, _ = conditional(step)
    x, t, y = inputs()
    with unchanged("model(x, t, y)", x=x, t=t, y=y):
        model(x, t, y)


@pytest.mark.parametrize(
    "labels",
    [[0, 8, 1], [0, 1, 100], [0, -1, 1], [-8, 0, 1], [0.0, 1.0, 2.0], [0.5, 1.5, 2.5]],
    ids=str,
)
def test_labels_that_do_not_exist_are_refused(step, labels):
    """Labels outside 0 .. K, -1 too, and labels that are not integers raise an error."""
    model, _, _ = conditional(step)
    x, t, _ = inputs(batch=3)
    check_raises(
        LABEL_ERRORS,
        lambda: model(x, t, torch.tensor(labels)),
        called=f"model(x, t, y) with y = {labels} and K = 7",
        must="labels are integers from 0 to 7, of which 7 is null; others are an error",
        hint="hand the labels to class_embed as they came",
    )


@pytest.mark.parametrize("shape", [(2,), (4,), (3, 1), (1, 3), (3, 3)], ids=str)
def test_labels_of_another_shape_are_refused(step, shape):
    """A batch of 3 needs labels of shape (3,)."""
    model, _, _ = conditional(step)
    x, t, _ = inputs(batch=3)
    check_raises(
        LABEL_ERRORS,
        lambda: model(x, t, torch.full(shape, 2)),
        called=f"model(x, t, y) on 3 samples with y of shape {shape}",
        must="each sample has one label, so y has the shape (B,); any other shape is an error",
        hint="combine of step 2 compares the shapes",
    )


@pytest.mark.parametrize("device", DEVICES)
def test_model_runs_where_its_weights_are(step, device):
    """With the model and its inputs on a device, labels and None work there, and there the velocity is."""
    model, _, _ = conditional(step)
    model.to(device)
    x, t, y = (v.to(device) for v in inputs())
    for label in (y, None):
        called = f"model(x, t, {'y' if label is y else 'None'}) on {device}"
        v = model(x, t, label)
        check_tensor(v, (5, 3, 8, 8), torch.float32, called=called, must="one velocity a sample")
        check_that(
            v.device.type == device,
            called=called,
            got=f"returned a velocity on {v.device}",
            must="it is where x is",
            hint="make the null labels on the device of x",
        )
