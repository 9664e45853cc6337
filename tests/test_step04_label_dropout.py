"""Step 4: label dropout."""

import pytest
import torch
from hypothesis import given

from kata.testing.assertions import (
    check_close,
    check_count,
    check_raises,
    check_tensor,
    check_that,
    unchanged,
)
from kata.testing.bounds import SEEDS, fresh_seed, generator

MANY, VERY_MANY = 10_000, 200_000
DEVICES = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
ONE_COIN_EACH = "every sample has a coin of its own, which falls on null with probability drop_prob"
DRAW = "draw one number from U(0, 1) for every label, and compare it with drop_prob"


def labels(size, num_classes, seed=0):
    """Mixed labels 0 .. K-1, in no order."""
    return torch.randint(num_classes, (size,), generator=generator(seed))


def drops(step, y, drop_prob, null_class, source=None):
    """Which labels one call replaces; fails unless the others are as they were."""
    called = f"drop_labels(y, {drop_prob}, {null_class}) on {len(y)} labels below {null_class}"
    result = step.drop_labels(y, drop_prob, null_class, generator=source)
    check_tensor(
        result, tuple(y.shape), torch.int64, called=called, must="it returns labels like those of y"
    )
    wrong = result[(result != y) & (result != null_class)]
    check_that(
        len(wrong) == 0,
        called=called,
        got=f"returned {int(wrong[0]) if len(wrong) else None} where neither y nor the null class says so",
        must=f"a label is kept as it is, in its place, or becomes null_class, here {null_class}",
        hint="mind what is put in, and where",
    )
    return result == null_class


@pytest.mark.parametrize(
    ("drop_prob", "own"), [(0.05, True), (0.1, False), (0.1, True), (0.25, False), (0.9, True)]
)
def test_share_of_dropped_labels(step, drop_prob, own):
    """Within one batch the share of null labels is drop_prob, as closely as chance allows."""
    seed = fresh_seed()
    dropped = drops(step, labels(VERY_MANY, 10), drop_prob, 10, generator(seed) if own else None)
    check_count(
        dropped.sum(),
        VERY_MANY,
        drop_prob,
        called=f"drop_labels(y, {drop_prob}, 10) on a batch of {VERY_MANY}",
        what="labels that are null",
        must=f"{ONE_COIN_EACH}, here {drop_prob:.0%}",
        hint=DRAW,
    )


@pytest.mark.parametrize("num_classes", [3, 7, 10])
@pytest.mark.parametrize("drop_prob", [0.0, 1.0])
def test_zero_drops_nothing_and_one_drops_all(step, drop_prob, num_classes):
    """At 0 the labels come back as they are, at 1 all of them are null."""
    y = labels(500, num_classes)
    check_close(
        step.drop_labels(y=y, drop_prob=drop_prob, null_class=num_classes),
        torch.full_like(y, num_classes) if drop_prob == 1 else y,
        called=f"drop_labels(y, drop_prob={drop_prob!r}, null_class={num_classes})",
        must="0 drops nothing and 1 drops all, without exception",
        hint="use drop_prob as it is given, and mind on which side of it a label is dropped",
    )


@pytest.mark.parametrize(
    ("num_classes", "null_class"), [(3, 3), (7, 7), (10, 10), (3, 10), (7, 12)]
)
@given(seed=SEEDS)
def test_labels_are_kept_or_null(step, num_classes, null_class, seed):
    """Nothing but null_class is put in, and what is not dropped stays in its place."""
    dropped = drops(step, labels(64, num_classes, seed), 0.5, null_class, generator(seed))
    check_that(
        0 < dropped.sum() < 64,
        called=f"drop_labels(y, 0.5, {null_class}) on 64 labels",
        got=f"made {int(dropped.sum())} of them null",
        must="some labels are dropped and some are kept",
        hint=DRAW,
    )


@pytest.mark.parametrize("drop_prob", [0.0, 0.5, 1.0])
def test_null_stays_null(step, drop_prob):
    """A label that is null already is null afterwards, whatever its coin."""
    y = torch.where(torch.arange(200) % 3 == 0, 7, labels(200, 7))
    result = step.drop_labels(y, drop_prob, 7, generator(1))
    called = f"drop_labels(y, {drop_prob}, 7) on 200 labels, of which 67 are 7 already"
    check_tensor(result, (200,), torch.int64, called=called, must="it returns labels like y")
    check_that(
        bool((result[y == 7] == 7).all()),
        called=called,
        got=f"turned null labels into {sorted(set(result[y == 7].tolist()) - {7})}",
        must="null stays null",
        hint="replace a label by null, or leave it as it is; there is no third case",
    )


@pytest.mark.parametrize("num_classes", [3, 10])
def test_every_class_is_dropped_equally_often(step, num_classes):
    """Within one batch, each class on its own loses the share drop_prob."""
    fresh_seed()
    y = labels(MANY, num_classes)
    dropped = drops(step, y, 0.25, num_classes)
    for label in range(num_classes):
        check_count(
            dropped[y == label].sum(),
            int((y == label).sum()),
            0.25,
            called=f"drop_labels(y, 0.25, {num_classes}) on a batch of {MANY}",
            what=f"labels {label} that were dropped",
            must=f"{ONE_COIN_EACH}, whatever its class",
            hint="the coin belongs to the sample, not to the class",
            parts=num_classes,
        )


def test_number_of_drops_varies(step):
    """In batches of 8, the number of dropped labels is binomial: not the same each time, not all or none."""
    fresh_seed()
    y, calls = labels(8, 3), 500
    counts = [int(drops(step, y, 0.25, 3).sum()) for _ in range(calls)]
    for count in range(9):
        ways = torch.tensor([8.0, count, 8.0 - count], dtype=torch.float64).add(1).lgamma()
        share = float((ways[0] - ways[1] - ways[2]).exp()) * 0.25**count * 0.75 ** (8 - count)
        check_count(
            counts.count(count),
            calls,
            share,
            called=f"drop_labels(y, 0.25, 3) on a batch of 8, {calls} times",
            what=f"batches in which {count} labels were dropped",
            must=f"{ONE_COIN_EACH}, so their number varies from batch to batch",
            hint="neither one coin for the whole batch nor a fixed number of drops",
            parts=9,
        )


@pytest.mark.parametrize("position", range(5))
def test_every_position_is_dropped_equally_often(step, position):
    """Over many batches of 5, each place of the batch loses the share drop_prob."""
    fresh_seed()
    y, calls = labels(5, 3), 200
    check_count(
        sum(int(drops(step, y, 0.5, 3)[position]) for _ in range(calls)),
        calls,
        0.5,
        called=f"drop_labels(y, 0.5, 3) on a batch of 5, {calls} times",
        what=f"labels at place {position} that were dropped",
        must=f"{ONE_COIN_EACH}, wherever it stands in the batch",
        hint=DRAW,
    )


def test_labels_are_dropped_independently(step):
    """Two labels of a batch are dropped together with probability p², be they neighbours or far apart."""
    fresh_seed()
    dropped, half = drops(step, labels(MANY, 10), 0.25, 10), MANY // 2
    for which, one, other in (
        ("neighbours", dropped[::2], dropped[1::2]),
        ("labels half a batch apart", dropped[:half], dropped[half:]),
        ("labels at the same distance from either end", dropped[:half], dropped.flip(0)[:half]),
    ):
        check_count(
            (one & other).sum(),
            half,
            0.0625,
            called=f"drop_labels(y, 0.25, 10) on a batch of {MANY}",
            what=f"pairs of {which} that were both dropped",
            must="coins are independent, so that both fall on null with probability 0.25²",
            hint=DRAW,
            parts=3,
        )


@pytest.mark.parametrize("own", [True, False])
def test_every_call_draws_anew(step, own):
    """Two calls in a row drop different labels, the same one twice with probability p²."""
    seed, y = fresh_seed(), labels(MANY, 10)
    source = generator(seed) if own else None
    check_count(
        (drops(step, y, 0.25, 10, source) & drops(step, y, 0.25, 10, source)).sum(),
        MANY,
        0.0625,
        called=f"drop_labels(y, 0.25, 10{', generator' if own else ''}) twice in a row on {MANY} labels",
        what="labels that were dropped both times",
        must="each call draws anew, so that a label is dropped both times with probability 0.25²",
        hint="no fixed seed and no stored mask; use the generator itself, and let it move on",
    )


@pytest.mark.parametrize("drop_prob", [0.25, 0.5])
def test_batch_of_one(step, drop_prob):
    """A single label has its coin, too."""
    fresh_seed()
    calls = 500
    check_count(
        sum(bool(drops(step, torch.tensor([i % 3]), drop_prob, 3)) for i in range(calls)),
        calls,
        drop_prob,
        called=f"drop_labels(y, {drop_prob}, 3) on a batch of 1, {calls} times",
        what="labels that were dropped",
        must=ONE_COIN_EACH,
        hint="do not compute a number of labels to drop: int(p * 1) is 0",
    )


@pytest.mark.parametrize("drop_prob", [0.0, 0.5, 1.0])
@given(seed=SEEDS)
def test_y_is_not_changed(step, drop_prob, seed):
    """y is as it was: the data set goes on using it."""
    y = labels(40, 7, seed)
    with unchanged(f"drop_labels(y, {drop_prob}, 7)", y=y):
        step.drop_labels(y, drop_prob, 7, generator(seed))


def test_generator_decides_the_result(step):
    """The same seed drops the same labels, another seed others, and the global generator is left alone."""
    y, state = labels(200, 10), torch.get_rng_state()
    first, again, other = (drops(step, y, 0.5, 10, generator(seed)) for seed in (5, 5, 6))
    check_that(
        torch.equal(first, again),
        called="drop_labels twice, with a generator of the same seed",
        got="dropped other labels the second time",
        must="the same seed gives the same result",
        hint="every draw takes generator=generator",
    )
    check_that(
        not torch.equal(first, other),
        called="drop_labels with generators of two different seeds",
        got="dropped the same labels",
        must="the generator decides which labels are dropped",
        hint="every draw takes generator=generator, and nobody seeds it again",
    )
    check_that(
        torch.equal(state, torch.get_rng_state()),
        called="drop_labels with a generator",
        got="changed the state of torch's global generator",
        must="with a generator given, the global one is neither used nor reseeded",
        hint="no torch.manual_seed() here, and every draw takes generator=generator",
    )


def test_without_a_generator_the_global_one_is_used(step):
    """torch.manual_seed by the caller decides which labels are dropped; the function itself never reseeds."""
    y, results, following = labels(200, 10), [], []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        results.append(drops(step, y, 0.5, 10))
        following.append(float(torch.rand(())))
    check_that(
        torch.equal(results[0], results[1]),
        called="torch.manual_seed(5) and drop_labels, twice",
        got="dropped other labels the second time",
        must="without a generator the coins come from torch's global one, so the labels are the same",
        hint="torch.rand with generator=None does so; random numbers of Python or NumPy do not",
    )
    check_that(
        not torch.equal(results[0], results[2]) and following[0] != following[2],
        called="drop_labels after torch.manual_seed(5), and again after torch.manual_seed(6)",
        got="left no difference between the two seeds",
        must="the global generator is used as it is and never reseeded",
        hint="no torch.manual_seed() in the function: the seed is the caller's business",
    )


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_active_whenever_it_is_called(step, context):
    """Labels are dropped whether gradients are recorded or not: who calls it wants it."""
    with context():
        dropped = drops(step, labels(1000, 10), 0.5, 10, generator(fresh_seed()))
    check_count(
        dropped.sum(),
        1000,
        0.5,
        called=f"drop_labels(y, 0.5, 10) on 1000 labels under torch.{context.__name__}()",
        what="labels that were dropped",
        must="it is active whenever it is called",
        hint="do not look at gradients or at a mode: whoever samples does not call this function",
    )


@pytest.mark.parametrize("drop_prob", [-1, -0.01, 1.01, 2, 10, float("inf")])
def test_probability_outside_its_range_is_refused(step, drop_prob):
    """A drop_prob below 0 or above 1 is a ValueError."""
    check_raises(
        ValueError,
        lambda: step.drop_labels(labels(4, 3), drop_prob, 3),
        called=f"drop_labels(y, drop_prob={drop_prob}, null_class=3)",
        must="a probability lies in [0, 1]; anything else is a ValueError (10% is 0.1, not 10)",
        hint="look at drop_prob first; do not clamp it",
    )


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("own", [True, False])
def test_device_of_the_labels_is_kept(step, device, own):
    """The result lies where y lies, wherever the generator is."""
    y = labels(500, 3).to(device)
    result = step.drop_labels(y, 0.5, 3, generator(1) if own else None)
    called = f"drop_labels(y, 0.5, 3) on labels that lie on {device}"
    check_tensor(result, (500,), torch.int64, called=called, must="it returns labels like y")
    check_that(
        result.device == y.device and bool((result == 3).any()),
        called=called,
        got=f"returned labels on {result.device}, {int((result == 3).sum())} of them null",
        must="the labels stay on their device, and half of them are dropped",
        hint="draw on the generator's device, and move the mask to that of y",
    )
