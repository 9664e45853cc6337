"""Step 5: the conditional DiT."""

import copy
from functools import lru_cache

import pytest
import torch

from kata.criteria.questions import CLASS_COUNTS
from kata.criteria.step05 import (
    BAD_IMAGE_SHAPES,
    BAD_LABEL_SHAPES,
    BAD_MODEL_LABELS,
    IN_ORDER,
    LABELS,
    MODEL_BATCHES,
    MODEL_TIMES,
    NEW,
    NONE_BATCHES,
    NULL_CASES,
    OTHER_SIZES,
    SMALL,
    TABLE,
    VELOCITY_CASES,
    inputs,
    one_image,
    refilled,
    small,
    ten_labels_in_turn,
)
from kata.criteria.step05_states import (
    CHANGES,
    DTYPES,
    LABEL_DTYPES,
    LARGE,
    STATES,
    TINY,
    TINY_IMAGE,
    all_changed,
    edge_times,
    grown,
    in_state,
    scrambled,
)
from kata.given import DiT
from kata.testing.assertions import (
    LABEL_ERRORS,
    check_close,
    check_raises,
    check_tensor,
    check_that,
    described,
    fail,
    is_number,
)
from kata.testing.bounds import generator
from kata.testing.devices import ELSEWHERE, elsewhere, moved, two_devices, values
from kata.testing.guard import guarded


@guarded
def forward(model, x, t, y):
    """Call the model; fail if something of the caller's is changed by it."""
    return model(x, t, y)


def check_weights(model, dit, num_classes, called):
    """Fail unless the weights have the names and shapes of the given DiT's, plus the table."""
    check_that(
        isinstance(model, DiT),
        called=called,
        got=f"is a subclass of {type(model).__mro__[1].__name__}",
        must="ConditionalDiT is a subclass of the given DiT",
        hint="write class ConditionalDiT(DiT), and call super().__init__ with the sizes",
    )
    shapes = {name: tuple(w.shape) for name, w in model.state_dict().items()}
    expected = {name: tuple(w.shape) for name, w in dit.state_dict().items()}
    expected[TABLE] = (num_classes + 1, dit.cond_dim)
    wrong = {
        name: f"{name} is {shapes.get(name, 'missing')}, expected {expected.get(name, 'none')}"
        for name in sorted(shapes.keys() | expected.keys())
        if shapes.get(name) != expected.get(name)
    }
    check_that(
        not wrong,
        called=f"{called}.state_dict()",
        got=f"has other weights: {'; '.join(list(wrong.values())[:3])}",
        must=f"the weights of a DiT of the same sizes, and {TABLE} "
        f"of shape {expected[TABLE]}, which is (K + 1, cond_dim)",
        hint="pass every size on to super().__init__ and add self.class_embed, nothing else",
    )


def twin(model, num_classes, called, **sizes):
    """Return a DiT with the weights of the model, and the class table of the model."""
    dit = DiT(**sizes)
    check_weights(model, dit, num_classes, called)
    weights = model.state_dict()
    table = weights.pop(TABLE)
    dit.load_state_dict(weights)
    return dit, table


def conditional(step, num_classes=7, **sizes):
    """Return what `new_conditional` does: the same one each time, of which tests change the mode
    only.
    """
    model, dit, table = shared_conditional(step, num_classes, **sizes)
    return model.train(), dit, table


def new_conditional(step, num_classes=7, **sizes):
    """Return a small ConditionalDiT with new numbers in all parameters, its DiT and its table."""
    model = small(step, generator(num_classes), num_classes, **sizes).train()
    called = f"ConditionalDiT({num_classes}, ...)"
    return model, *twin(model, num_classes, called, **SMALL | sizes)


shared_conditional = lru_cache(maxsize=16)(new_conditional)


def expected(dit, table, x, t, y):
    """Return the velocity of the given DiT at x under the sum of time and class."""
    with torch.no_grad():
        return dit.velocity(x, dit.time_embed(t) + table[y])


@pytest.mark.parametrize("state", STATES)
def test_nothing_of_the_callers_is_changed(step, state):
    """Inputs, weights, gradients and modes stay as they are, whatever state the model is in."""
    model = in_state(small(step, generator(7), **TINY), state)
    x, t, y = inputs(generator(0), image_shape=TINY_IMAGE)
    for recording in (True, False):
        with torch.set_grad_enabled(recording):
            for label in (y, None):
                forward(model, x, t, label)


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_nothing_is_random(step, training):
    """The velocity needs no random numbers, and draws none."""
    model, _, _ = conditional(step, **TINY)
    model.train(training)
    x, t, y = inputs(generator(0), image_shape=TINY_IMAGE)
    for name, label in (("y", y), ("None", None)):
        state = torch.get_rng_state()
        first = model(x, t, label)
        kept = torch.equal(state, torch.get_rng_state())
        torch.rand(5)
        same = torch.equal(first, model(x, t, label))
        check_that(
            kept and same,
            called=f"model(x, t, {name}) twice in {'train' if training else 'eval'} mode",
            got="gave two velocities" if kept or not same else "drew random numbers",
            must="the velocity is a function of x, t and y: nothing in the model is random",
            hint="drop no labels here, and add no noise: both belong to the training loop",
        )


@pytest.mark.parametrize(("num_classes", "batch", "training"), VELOCITY_CASES)
def test_velocity_is_that_of_the_dit_under_time_plus_class(step, num_classes, batch, training):
    """v(x, t, y) is the given DiT under c = h_t + E[y], with each sample's own t and y."""
    model, dit, table = conditional(step, num_classes)
    model.train(training)
    x, t, y = inputs(generator(batch), num_classes, batch, offset=batch)
    check_close(
        model(x, t, y),
        expected(dit, table, x, t, y),
        called=f"model(x, t, y) with K = {num_classes} and y = {y.tolist()[:8]}, "
        f"in {'train' if training else 'eval'} mode",
        must="every block of the DiT gets c = h_t + E[y], with t[i] and y[i] in row i",
        hint="which vector do the blocks get, is it the sum, and do all blocks get it?",
        tolerance=1e-4,
    )


@pytest.mark.parametrize("num_classes", CLASS_COUNTS)
def test_every_label_gives_another_velocity(step, num_classes):
    """One image at one time has K + 1 different velocities, one per label and one for null."""
    model, _, _ = conditional(step, num_classes)
    x, t, y = one_image(generator(0), num_classes, torch.arange(num_classes + 1))
    v = model(x=x, t=t, y=y)
    called = f"model(x, t, y) with one image and one time under all labels 0 to {num_classes}"
    check_tensor(v, (len(y), 3, 8, 8), torch.float32, called=called, must="one velocity per label")
    same = [(i, j) for i in range(len(y)) for j in range(i) if (v[i] - v[j]).abs().max() < 1e-3]
    check_that(
        not same,
        called=called,
        got=f"gave equal velocities for the pairs of labels {same[:3]}",
        must="the label reaches the blocks, so each label gives another velocity",
        hint="is E[y] part of the vector that the blocks get?",
    )


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("num_classes", "batch"), NULL_CASES)
def test_none_is_the_null_class(step, num_classes, batch, training):
    """No label, None and K give the same velocity bit by bit: that of the table's null row."""
    model, dit, table = conditional(step, num_classes)
    model.train(training)
    x, t, _ = inputs(generator(0), num_classes, batch)
    null = torch.full((batch,), num_classes)
    check_close(
        model(x, t, None),
        expected(dit, table, x, t, null),
        called="model(x, t, None)",
        must="None means the null class for every sample: c = h_t + E[K]",
        hint="None takes the same path as labels, through the last row of the table",
        tolerance=1e-4,
    )
    with torch.no_grad():
        omitted, none, labelled = model(x, t), model(x, t, None), model(x, t, null)
    check_that(
        torch.equal(omitted, none) and torch.equal(none, labelled),
        called=f"model(x, t), model(x, t, None) and model(x, t, y) with y = {num_classes} everywhere",
        got="gave different velocities",
        must="the three are equal, bit by bit",
        hint="turn None into null labels first, and change nothing else",
    )


@pytest.mark.parametrize("labelled", [True, False])
def test_time_matters_with_and_without_a_label(step, labelled):
    """At another time an image has another velocity, from t = 0 to t = 1, also if y is None."""
    model, dit, table = conditional(step)
    x, _, y = inputs(generator(0), batch=1, offset=1)
    velocities = []
    for time in MODEL_TIMES:
        t = torch.tensor([time])
        called = f"model(x, t, {'y' if labelled else 'None'}) with one image at t = {time}"
        velocities.append(model(x, t, y if labelled else None))
        check_tensor(
            velocities[-1], (1, 3, 8, 8), torch.float32, called=called, must="one velocity per time"
        )
        check_that(
            all((velocities[-1] - v).detach().abs().max() > 1e-3 for v in velocities[:-1]),
            called=called,
            got="gave the same velocity as at an earlier time",
            must="the time is part of the condition, whatever the label is",
            hint="None means the null class; the time is still part of the sum",
        )
        check_close(
            velocities[-1],
            expected(dit, table, x, t, y if labelled else torch.tensor([7])),
            called=called,
            must="the velocity of the DiT at exactly this time; 0 and 1 are times, too",
            hint="hand t to time_embed as it is",
            tolerance=1e-4,
        )


def test_none_fits_every_batch(step):
    """One model accepts None for batches of any size, one after another."""
    model, dit, table = conditional(step)
    for batch in NONE_BATCHES:
        x, t, _ = inputs(generator(0), batch=batch)
        check_close(
            model(x, t),
            expected(dit, table, x, t, torch.full((batch,), 7)),
            called=f"model(x, t) on {batch} samples, after batches of other sizes",
            must="None is the null class for each sample of this batch",
            hint="make new null labels in every call",
            tolerance=1e-4,
        )


@pytest.mark.parametrize("dtype", [torch.float32, *DTYPES], ids=str)
def test_none_is_null_in_every_state(step, dtype):
    """None and K are equal bit by bit in every mode, frozen or not, with and without autograd."""
    model = small(step, generator(7), **TINY).to(dtype)
    x, t, _ = inputs(generator(0), image_shape=TINY_IMAGE)
    for i, state in enumerate(STATES):
        in_state(model, state)
        recording = i % 3 != 1
        with torch.set_grad_enabled(recording):
            pair = model(x.to(dtype), t, None), model(x.to(dtype), t, torch.full((5,), 7))
        check_that(
            torch.equal(*pair),
            called=f"model(x, t, None) and model(x, t, y) with y = 7 everywhere, a model of "
            f"{dtype} in the state '{state}', {'with' if recording else 'without'} autograd",
            got="gave different velocities",
            must="the two are equal, bit by bit",
            hint="turn None into null labels first, and change nothing else",
        )


@pytest.mark.parametrize("batch", MODEL_BATCHES[1:])
def test_samples_do_not_mix(step, batch):
    """A new image, time and label for one sample do not change the velocities of the others."""
    model, dit, table = conditional(step)
    x, t, y = inputs(generator(0), batch=batch)
    before = expected(dit, table, x, t, y)
    x[1], t[1], y[1] = -x[1], 1 - t[1], (y[1] + 1) % 8
    after = model(x, t, y)
    called = (
        f"model(x, t, y) on {batch} samples, after image, time and label of sample 1 were changed"
    )
    check_tensor(
        after, (batch, 3, 8, 8), torch.float32, called=called, must="one velocity per sample"
    )
    others = [i for i in range(batch) if i != 1]
    check_close(
        after[others],
        before[others],
        called=called,
        must="a sample's velocity depends only on its own image, time and label",
        hint="no y[0], no mean over the batch, no new axis that lets batch and tokens mix",
        tolerance=1e-4,
    )


@pytest.mark.parametrize("training", [True, False])
def test_no_label_is_dropped(step, training):
    """Samples keep their labels in both modes: label dropout belongs to the training loop."""
    model, dit, table = conditional(step, 10, **TINY)
    model.train(training)
    x, t, y = one_image(generator(0), 10, ten_labels_in_turn(), (3, 4, 4))
    check_close(
        model(x, t, y),
        expected(dit, table, x, t, y),
        called=f"model(x, t, y) on {len(y)} samples in {'train' if training else 'eval'} mode",
        must="each sample gets the velocity of its own label",
        hint="nothing in the model is random: only the training loop drops labels",
        tolerance=1e-4,
    )


@pytest.mark.parametrize(
    ("training", "recording"), [(True, True), (False, False)], ids=["train", "eval"]
)
def test_weights_of_now_are_used(step, training, recording):
    """After weights or inputs have changed, the next velocity is that of the new ones."""
    model, _, _ = new_conditional(step, **TINY)
    model.train(training)
    x, t, y = inputs(generator(0), image_shape=TINY_IMAGE)
    with torch.set_grad_enabled(recording):
        _ = model(x, t, y), model(x, t)
        for change in CHANGES:
            change(model, x, t, y)
            dit, table = twin(model, 7, "ConditionalDiT(7, ...)", **TINY)
            for name, label in (("y", y), ("None", None)):
                check_close(
                    model(x, t, label),
                    expected(dit, table, x, t, torch.full((5,), 7) if label is None else y),
                    called=f"model(x, t, {name}) in {'train' if training else 'eval'} mode, "
                    f"called before, then {change.__name__.replace('_', ' ')}, and called again",
                    must="every call computes with the weights and the inputs as they are now",
                    hint="keep nothing from one call to the next: not the null row, not h_t",
                    tolerance=1e-4,
                )


def test_a_copy_has_weights_of_its_own(step):
    """A deep copy can be made after a call, and neither model sees the other's new weights."""
    model, dit, table = new_conditional(step, **TINY)
    x, t, y = inputs(generator(0), image_shape=TINY_IMAGE)
    null, before = torch.full((5,), 7), expected(dit, table, x, t, y)
    model(x, t, y)
    try:
        copied = copy.deepcopy(model)
    except Exception as error:
        fail(
            "copy.deepcopy(model) after model(x, t, y)",
            f"raised {type(error).__name__}: {error}",
            "a model can be copied, as training with averaged weights does",
            "keep no results of a call as attributes",
        )
    all_changed(copied, x, t, y)
    dit, table = twin(copied, 7, "copy.deepcopy(model)", **TINY)
    for name, v, right in (
        ("the model", model(x, t, y), before),
        ("the copy", copied(x, t, y), expected(dit, table, x, t, y)),
        ("the copy without labels", copied(x, t), expected(dit, table, x, t, null)),
    ):
        check_close(
            v,
            right,
            called=f"{name}, after the weights of copy.deepcopy(model) were changed",
            must="each of the two computes with its own weights",
            hint="look the table up as self.class_embed in forward",
            tolerance=1e-4,
        )


def test_every_parameter_gets_a_gradient(step):
    """Gradients reach all parameters, and in the table only the rows that were looked up."""
    model, _, _ = new_conditional(step)
    x, t, _ = inputs(generator(0), batch=len(LABELS))
    v = model(x, t, torch.tensor(LABELS))
    called = f"model(x, t, y) with y = {list(LABELS)} and K = 7, and then backward()"
    check_tensor(v, (4, 3, 8, 8), torch.float32, called=called, must="one velocity per sample")
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
        got=f"gave no gradient to {', '.join(idle[:3])}{', …' if idle[3:] else ''}",
        must="every parameter contributes to the velocity",
        hint="detach nothing between the table, the time and the blocks",
    )
    rows = model.get_parameter(TABLE).grad.abs().sum(1).nonzero().flatten().tolist()
    check_that(
        rows == [0, 2, 7],
        called=called,
        got=f"gave gradients to the rows {rows} of the table; expected [0, 2, 7]",
        must="only the rows that were looked up learn, and 7 is the null row",
        hint="look up each sample's own label, once",
    )


@pytest.mark.parametrize("labelled", [True, False], ids=["labels", "None"])
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_gradients_are_those_of_the_dit(step, training, labelled):
    """Image, parameters and table get the gradients that the DiT under h_t + E[y] gives them."""
    model, dit, table = new_conditional(step, **TINY)
    model.train(training)
    x, t, _ = inputs(generator(0), batch=len(LABELS), image_shape=TINY_IMAGE)
    y = torch.tensor(LABELS) if labelled else torch.full((len(LABELS),), 7)
    _, found = grown(model, x, t, y if labelled else None)
    x, table = x.clone().requires_grad_(), table.clone().requires_grad_()
    dit.velocity(x, dit.time_embed(t) + table[y]).square().sum().backward()
    right = {"x": x.grad, TABLE: table.grad} | {n: p.grad for n, p in dit.named_parameters()}
    for name, gradient in right.items():
        check_close(
            found[name],
            gradient,
            called=f"model(x, t, {'y' if labelled else 'None'}) in "
            f"{'train' if training else 'eval'} mode, and backward(), and looked at the gradient "
            f"of {name}",
            must="x, all parameters and the rows that were looked up get their full gradient",
            hint="detach nothing, scale no gradient, and look each label up once",
            tolerance=1e-4,
        )


def test_large_velocities_are_not_clamped(step):
    """The velocity is the output of the head, however large it is."""
    model, dit, table = new_conditional(step)
    with torch.no_grad():
        model.head.weight.mul_(30)
        dit.head.weight.mul_(30)
    x, t, y = inputs(generator(0))
    check_close(
        model(x, t, y),
        expected(dit, table, x, t, y),
        called="model(x, t, y) with a head that gives large numbers",
        must="the output of the DiT's head is the velocity",
        hint="no tanh, no clamp: a velocity has no range",
        tolerance=1e-4,
    )


@pytest.mark.parametrize("num_classes", CLASS_COUNTS)
def test_classes_are_counted_from_the_argument(step, num_classes):
    """`.num_classes` and `.null_class` are K, and the table has K + 1 rows."""
    model = step.ConditionalDiT(num_classes=num_classes, **SMALL)
    check_weights(model, DiT(**SMALL), num_classes, f"ConditionalDiT(num_classes={num_classes})")
    for name in ("num_classes", "null_class"):
        value = getattr(model, name, None)
        check_that(
            is_number(value) and value == num_classes,
            called=f"ConditionalDiT(num_classes={num_classes}).{name}",
            got=f"is {described(value)}; expected {num_classes}",
            must=f"the real classes are 0 to {num_classes - 1}, and null is {num_classes}",
            hint="keep the argument as an attribute; the code contains no 10",
        )


@pytest.mark.parametrize("change", OTHER_SIZES.values(), ids=OTHER_SIZES.keys())
def test_every_size_is_handed_on(step, change):
    """Each size has its effect: weights and velocity are those of a DiT of these sizes."""
    model, dit, table = conditional(step, 3, **change)
    x, t, y = inputs(generator(0), 3, image_shape=dit.image_shape)
    check_close(
        model(x, t, y),
        expected(dit, table, x, t, y),
        called=f"ConditionalDiT(3, ..., {', '.join(f'{k}={v}' for k, v in change.items())})",
        must="with the weights of a DiT of these sizes it gives that DiT's velocity under h_t + E[y]",
        hint="pass every argument on to super().__init__, in the correct order",
        tolerance=1e-4,
    )


def test_arguments_come_in_the_order_of_the_lesson(step):
    """By position: num_classes, then the sizes in the order in which DiT has them."""
    model = step.ConditionalDiT(7, *IN_ORDER.values())
    called = f"ConditionalDiT(7, {', '.join(map(str, IN_ORDER.values()))})"
    check_weights(model, DiT(**IN_ORDER), 7, called)


def test_default_model_has_the_size_of_the_lesson(step):
    """The default model is the given DiT plus an 11 x 1024 table: 12,363,024 parameters."""
    g, model = generator(10), step.ConditionalDiT()
    x, t, y = inputs(g, 10, 1, (1, 28, 28), offset=8)
    dit, table = twin(refilled(model, g), 10, "ConditionalDiT()")
    count = sum(p.numel() for p in model.parameters())
    check_that(
        count == 12_363_024,
        called="ConditionalDiT() and counted its parameters",
        got=f"has {count:,}; expected 12,363,024",
        must="the 12,351,760 parameters of DiT() and the 11 x 1024 numbers of the table",
        hint="the defaults are those of DiT, with 10 classes",
    )
    check_close(
        model(x, t, y),
        expected(dit, table, x, t, y),
        called="ConditionalDiT() with the weights of a DiT() and another table",
        must="the velocity of that DiT under h_t + E[y], with 8 heads on 28 x 28 images of one channel",
        hint="pass the defaults on as they are",
        tolerance=1e-4,
    )


def test_new_model_starts_as_the_given_parts_do(step):
    """The table starts as N(0, 0.02), and the same parameters are zero as in a new DiT."""
    model, dit = step.ConditionalDiT(10, **NEW), DiT(**NEW)
    check_weights(model, dit, 10, "ConditionalDiT(10, ...)")
    zero, zero_in_dit = (
        {name for name, p in m.named_parameters() if not p.any()} for m in (model, dit)
    )
    check_that(
        zero == zero_in_dit,
        called="ConditionalDiT(10, ...) and looked for parameters that start at zero",
        got=f"differs from a new DiT in {', '.join(sorted(zero ^ zero_in_dit)[:3])}",
        must="the given parts keep their start: the head and the adaLN projections are zero",
        hint="initialise nothing again: the parts do that when they are made",
    )
    mean, deviation = (float(f(model.state_dict()[TABLE])) for f in (torch.mean, torch.std))
    check_that(
        abs(mean) < 0.003 and 0.018 < deviation < 0.022,
        called="ConditionalDiT(10, ...) and looked at its 11 x 1024 class table",
        got=f"starts with mean {mean:.4f} and standard deviation {deviation:.4f}",
        must="the table starts as ClassEmbedding makes it, N(0, 0.02)",
        hint="use the ClassEmbedding of step 1 as it is",
    )


@pytest.mark.parametrize(("num_classes", "batch", "sizes"), LARGE.values(), ids=LARGE.keys())
def test_large_batches_are_like_small_ones(step, num_classes, batch, sizes):
    """Each of many samples has the velocity of its own image, time and label."""
    model, dit, table = conditional(step, num_classes, **TINY | sizes)
    x, t, _ = inputs(generator(0), num_classes, batch, dit.image_shape)
    x, y = x.mT, scrambled(generator(1), num_classes, batch)  # x is not contiguous, either
    check_close(
        model(x, t, y),
        expected(dit, table, x, t, y),
        called=f"model(x, t, y) with {batch} images and labels from 0 to K = {num_classes}",
        must="no batch is too large, and no class count",
        hint="no limit on B or K, and no smaller dtype for labels",
        tolerance=1e-4,
    )


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_velocity_has_the_dtype_of_the_model(step, dtype):
    """A model in another floating dtype computes in it, with labels and with None."""
    model, _, _ = new_conditional(step, **TINY)
    dit, table = twin(model.to(dtype), 7, "ConditionalDiT(7, ...)", **TINY)
    x, _, y = inputs(generator(0), image_shape=TINY_IMAGE)
    x, t, null = x.to(dtype), edge_times(generator(0), 5), torch.full((5,), 7)
    for name, label in (("y", y), ("None", None)):
        check_close(
            model(x, t, label),
            expected(dit.to(dtype), table, x, t, null if label is None else label),
            called=f"model(x, t, {name}) with model and x of {dtype}",
            must="the velocity has the dtype of the model",
            hint="convert nothing: no .float(), and no dtype for tensors other than labels",
            tolerance=DTYPES[dtype],
        )


def test_condition_is_summed_in_full_precision(step):
    """In double precision the velocity is exact to twelve digits."""
    model, _, _ = new_conditional(step, **TINY)
    with torch.no_grad():  # the sinusoids of the time are single precision; leave them out
        model.double().time_embed.mlp[0].weight.zero_()
    dit, table = twin(model, 7, "ConditionalDiT(7, ...)", **TINY)
    dit.double().load_state_dict({n: w for n, w in model.state_dict().items() if n != TABLE})
    x, t, y = inputs(generator(0), image_shape=TINY_IMAGE)
    check_close(
        model(x.double(), t, y),
        expected(dit, table, x.double(), t, y),
        called="model(x, t, y) with model and x of torch.float64",
        must="c = h_t + E[y] to the last digits: nothing is rounded, scaled or added",
        hint="no .float(), no noise, no small number added",
        tolerance=1e-12,
    )


@pytest.mark.parametrize("dtype", LABEL_DTYPES, ids=str)
def test_labels_may_be_int32(step, dtype):
    """Labels of int32 give the velocity of the same labels in int64."""
    model, dit, table = conditional(step, **TINY)
    x, t, y = inputs(generator(0), batch=8, image_shape=TINY_IMAGE)
    v = None
    try:
        v = model(x, t, y.to(dtype))
    except (TypeError, ValueError, IndexError) as error:
        fail(
            f"model(x, t, y) with y of {dtype}",
            f"raised {type(error).__name__}: {error}",
            "labels are int64 or int32",
            "ClassEmbedding accepts them: hand them on as they are",
        )
    check_close(
        v,
        expected(dit, table, x, t, y),
        called=f"model(x, t, y) with y of {dtype}",
        must="labels are int64 or int32",
        hint="ClassEmbedding accepts them: hand them on as they are",
        tolerance=1e-4,
    )


@pytest.mark.parametrize("labelled", [True, False], ids=["labels", "None"])
def test_model_runs_where_its_weights_are(step, labelled):
    """If the model and its inputs are on another device, so is everything that forward makes."""
    model, dit, table = new_conditional(step, **TINY)
    x, t, y = inputs(generator(0), image_shape=TINY_IMAGE)
    right = expected(dit, table, x, t, y if labelled else torch.full((5,), 7))
    called = f"model(x, t, {'y' if labelled else 'None'}) with model, x, t and y on another device"
    must = "the velocity is computed on the device of x"
    hint = "make the null labels with device=x.device, and move nothing"
    with two_devices():
        moved(model)
        try:
            v = model(elsewhere(x), elsewhere(t), elsewhere(y) if labelled else None)
        except RuntimeError as error:
            if "same device" not in str(error):
                raise
            fail(called, f"raised RuntimeError: {error}", must, hint)
    check_that(
        v.device == ELSEWHERE, called=called, got="returned it on the CPU", must=must, hint=hint
    )
    check_close(values(v), right, called=called, must=must, hint=hint, tolerance=1e-4)
    if torch.cuda.is_available():
        model, (x, t, y) = new_conditional(step, **TINY)[0].cuda(), (v.cuda() for v in (x, t, y))
        v = model(x, t, y if labelled else None)
        check_that(v.is_cuda, called=called, got=f"returned it on {v.device}", must=must, hint=hint)


@pytest.mark.parametrize("labels", BAD_MODEL_LABELS, ids=str)
def test_labels_that_do_not_exist_are_refused(step, labels):
    """Labels outside 0 .. K, also -1, and labels that are not integers raise an error."""
    model, _, _ = conditional(step)
    x, t, _ = inputs(generator(0), batch=3)
    for training in (True, False):
        model.train(training)
        check_raises(
            LABEL_ERRORS,
            lambda: model(x, t, torch.tensor(labels)),
            called=f"model(x, t, y) with y = {labels} and K = 7, "
            f"in {'train' if training else 'eval'} mode",
            must="labels are integers from 0 to 7, of which 7 is null; any other raises an error",
            hint="pass the labels to class_embed as they are",
        )


@pytest.mark.parametrize(
    ("batch", "shape"),
    [(batch, shape) for batch, wrong in BAD_LABEL_SHAPES.items() for shape in wrong],
    ids=str,
)
def test_labels_of_another_shape_are_refused(step, batch, shape):
    """A batch of B needs labels of shape (B,): one label does not stand for many."""
    model, _, _ = conditional(step)
    x, t, _ = inputs(generator(0), batch=batch)
    check_raises(
        LABEL_ERRORS,
        lambda: model(x, t, torch.full(shape, 2)),
        called=f"model(x, t, y) on {batch} sample{'s' if batch > 1 else ''} with y of shape {shape}",
        must="each sample has one label, so y has the shape (B,); any other shape raises an error",
        hint="combine from step 2 compares the shapes",
    )


@pytest.mark.parametrize("shape", BAD_IMAGE_SHAPES, ids=str)
def test_images_of_another_shape_are_refused(step, shape):
    """Images of another size, or with other channels, raise an error, as in the given DiT."""
    model, _, _ = conditional(step)
    _, t, y = inputs(generator(0), batch=3)
    check_raises(
        LABEL_ERRORS,
        lambda: model(torch.zeros(3, *shape), t, y),
        called=f"model(x, t, y) with images {shape}, of a model for images (3, 8, 8)",
        must="a model knows images of one shape; any other raises an error",
        hint="the given `velocity` compares the shapes: hand it x as it is",
    )
