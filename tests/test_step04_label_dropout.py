"""Step 4: label dropout."""

import math

import pytest
import torch
from hypothesis import given

from kata.criteria.questions import CLASS_COUNTS
from kata.criteria.step04 import (
    BAD_PROBABILITIES,
    COIN_CLASSES,
    DROPPED_SHARES,
    ENDS,
    FEW,
    LABEL_DTYPES,
    MANY,
    NO_GRAD_CONTEXTS,
    NULL_CLASSES,
    POSITIONS,
    PROBABILITIES,
    SMALL_BATCHES,
    SOME,
    VERY_MANY,
    labels,
    labels_with_null,
    two_of_each_class,
)
from kata.criteria.step04_coins import (
    DISTANCES,
    LARGE,
    NUMBERS,
    PAIR_PROBABILITIES,
    PAIRS,
    REPEATS,
    both_dropped,
    different,
)
from kata.testing.assertions import (
    check_close,
    check_count,
    check_raises,
    check_tensor,
    check_that,
    unchanged,
)
from kata.testing.bounds import SEEDS, fresh_seed, generator
from kata.testing.devices import fault_elsewhere

MANY_CALLS = 500
DEVICES = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
ONE_COIN_EACH = "every sample has its own coin, which falls on null with probability"
DRAW = "draw one number from U(0, 1) per label, and compare it with drop_prob"


def drops(step, y, drop_prob, null_class, source=None):
    """Return which labels one call makes null; fail unless the others stay as they are."""
    called = f"drop_labels(y, {drop_prob}, {null_class}) on {len(y):,} labels below {null_class}"
    result = step.drop_labels(y, drop_prob, null_class, generator=source)
    check_tensor(
        result, tuple(y.shape), torch.int64, called=called, must="it returns labels like those of y"
    )
    wrong = (result != y) & (result != null_class)
    if wrong.any():
        place = int(wrong.nonzero()[0])
        check_that(
            False,
            called=called,
            got=f"At [{place}] it returned {int(result[place])}; "
            f"expected {int(y[place])} or {null_class}",
            must="a label stays as it is, in its place, or becomes null_class",
            hint="check which value replaces a label, and at which places",
        )
    return result == null_class


def drops_in_calls(step, y, drop_prob, null_class):
    """Return which labels each of many calls with the same labels makes null: `(MANY_CALLS, B)`."""
    return torch.stack([drops(step, y, drop_prob, null_class) for _ in range(MANY_CALLS)])


@pytest.mark.parametrize("drop_prob", [*PROBABILITIES, 0, 1])
def test_y_is_not_changed(step, drop_prob):
    """y stays as it is: the data set still needs it."""
    g = generator(0)
    y = labels(g, SOME, 7)
    with unchanged(f"drop_labels(y, {drop_prob}, 7)", y=y):
        step.drop_labels(y, drop_prob, 7, g)


@pytest.mark.parametrize("drop_prob", [*PROBABILITIES, 0, 1])
def test_result_is_a_tensor_of_its_own(step, drop_prob):
    """The result is new, so that whoever writes into it does not change y."""
    y = labels(generator(0), FEW, 7)
    before = y.clone()
    step.drop_labels(y, drop_prob, 7).fill_(-1)
    check_that(
        torch.equal(y, before),
        called=f"drop_labels(y, {drop_prob}, 7) and wrote into the result",
        got="returned y itself, so that y changed too",
        must="the result is a new tensor, also if nothing is dropped",
        hint="torch.where and masked_fill make a new tensor; do not return y",
    )


@pytest.mark.parametrize(("drop_prob", "own"), DROPPED_SHARES)
def test_share_of_dropped_labels(step, drop_prob, own):
    """In one batch the share of null labels is drop_prob, as closely as chance allows."""
    g = generator(fresh_seed())
    dropped = drops(step, labels(g, VERY_MANY, 10), drop_prob, 10, g if own else None)
    check_count(
        dropped.sum(),
        VERY_MANY,
        drop_prob,
        called=f"drop_labels(y, {drop_prob}, 10) on a batch of {VERY_MANY:,}",
        what="labels came back null",
        must=f"{ONE_COIN_EACH} {drop_prob}",
        hint=DRAW,
    )


@pytest.mark.parametrize("num_classes", CLASS_COUNTS)
@pytest.mark.parametrize("drop_prob", ENDS)
def test_zero_drops_nothing_and_one_drops_all(step, drop_prob, num_classes):
    """With drop_prob 0 all labels come back as they are, with 1 all of them come back null."""
    y = labels(generator(0), MANY, num_classes)
    check_close(
        step.drop_labels(y=y, drop_prob=drop_prob, null_class=num_classes),
        torch.full_like(y, num_classes) if drop_prob == 1 else y,
        called=f"drop_labels(y, drop_prob={drop_prob!r}, null_class={num_classes})",
        must="0 drops nothing and 1 drops everything, without exception",
        hint="use drop_prob as it is; on which side of it is a label dropped?",
    )


@pytest.mark.parametrize(("num_classes", "null_class"), NULL_CLASSES)
@given(seed=SEEDS)
def test_labels_are_kept_or_null(step, num_classes, null_class, seed):
    """A dropped label becomes null_class, and every other label stays in its place."""
    g = generator(seed)
    dropped = drops(step, labels(g, SOME, num_classes), 0.5, null_class, g)
    check_that(
        0 < dropped.sum() < SOME,
        called=f"drop_labels(y, 0.5, {null_class}) on {SOME:,} labels",
        got=f"dropped {'all' if dropped.any() else 'none'} of them",
        must="some labels are dropped and some are kept",
        hint=DRAW,
    )


@pytest.mark.parametrize("drop_prob", PROBABILITIES)
def test_null_stays_null(step, drop_prob):
    """A label that is null before is null afterwards, whatever its coin."""
    g = generator(0)
    y = labels_with_null(g)
    result = step.drop_labels(y, drop_prob, 7, g)
    called = f"drop_labels(y, {drop_prob}, 7) on labels of which every third is 7 before"
    check_tensor(
        result, tuple(y.shape), torch.int64, called=called, must="it returns labels like y"
    )
    check_that(
        bool((result[y == 7] == 7).all()),
        called=called,
        got=f"turned null labels into {sorted(set(result[y == 7].tolist()) - {7})}",
        must="null stays null",
        hint="replace a label by null, or leave it as it is; there is no third case",
    )


@pytest.mark.parametrize("num_classes", COIN_CLASSES)
def test_every_class_is_dropped_equally_often(step, num_classes):
    """Each class loses the share drop_prob, and two samples of one class have two coins."""
    fresh_seed()
    dropped = drops_in_calls(step, two_of_each_class(num_classes), 0.25, num_classes)
    one, other = dropped.chunk(2, dim=1)
    words = {
        "called": f"drop_labels(y, 0.25, {num_classes}) on two samples per class, {MANY_CALLS} times",
        "must": f"{ONE_COIN_EACH} 0.25, whatever its class",
        "hint": "the coin belongs to the sample, not to the class",
        "parts": 2 * num_classes,
    }
    for label in range(num_classes):
        first, second = one[:, label], other[:, label]
        both = first.sum() + second.sum()
        check_count(both, 2 * MANY_CALLS, 0.25, what=f"labels {label} were dropped", **words)
        equal = (first == second).sum()
        what = f"pairs of labels {label} were dropped or kept together"
        check_count(equal, MANY_CALLS, 0.25**2 + 0.75**2, what=what, **words)


def chance_of(number, size):
    """Return the probability that so many labels of a batch are dropped at p = 0.25."""
    return math.comb(size, number) * 0.25**number * 0.75 ** (size - number)


@pytest.mark.parametrize("size", SMALL_BATCHES)
def test_number_of_drops_varies(step, size):
    """In small batches the number of dropped labels is binomial: not constant, not all or none."""
    fresh_seed()
    numbers = drops_in_calls(step, labels(generator(0), size, 3), 0.25, 3).sum(1)
    for number in range(size + 1):
        share = chance_of(number, size)
        check_count(
            (numbers == number).sum(),
            MANY_CALLS,
            share,
            called=f"drop_labels(y, 0.25, 3) on a batch of {size}, {MANY_CALLS} times",
            what=f"batches lost {number} of {size} labels" if number else "batches kept all labels",
            must=f"{ONE_COIN_EACH} 0.25, so the number of drops varies from batch to batch",
            hint="use neither one coin for the whole batch nor a fixed number of drops",
            parts=size + 1,
        )


def test_number_of_drops_varies_in_large_batches(step):
    """In batches of 300 too the number of dropped labels is binomial."""
    fresh_seed()
    numbers = drops_in_calls(step, labels(generator(0), LARGE, 3), 0.25, 3).sum(1)
    for number in NUMBERS:
        check_count(
            (numbers < number).sum(),
            MANY_CALLS,
            sum(chance_of(n, LARGE) for n in range(number)),
            called=f"drop_labels(y, 0.25, 3) on a batch of {LARGE}, {MANY_CALLS} times",
            what=f"batches lost fewer than {number} labels",
            must=f"{ONE_COIN_EACH} 0.25, so the number of drops varies from batch to batch",
            hint="use neither one coin for the whole batch nor a fixed number of drops",
            parts=len(NUMBERS),
        )


@pytest.mark.parametrize("size", POSITIONS)
def test_every_position_is_dropped_equally_often(step, size):
    """Over many batches, each position in the batch loses the share drop_prob."""
    fresh_seed()
    dropped = drops_in_calls(step, labels(generator(0), size, 3), 0.5, 3)
    for position in range(size):
        check_count(
            dropped[:, position].sum(),
            MANY_CALLS,
            0.5,
            called=f"drop_labels(y, 0.5, 3) on a batch of {size}, {MANY_CALLS} times",
            what=f"labels at [{position}] were dropped",
            must=f"{ONE_COIN_EACH} 0.5, whatever its position in the batch",
            hint=DRAW,
            parts=size,
        )


@pytest.mark.parametrize("drop_prob", PAIR_PROBABILITIES)
def test_labels_are_dropped_independently(step, drop_prob):
    """Two labels of a batch are both dropped with probability p², whether near or far apart."""
    dropped = drops(step, labels(generator(fresh_seed()), VERY_MANY, 10), drop_prob, 10)
    mirrored = (dropped & dropped.flip(0))[:PAIRS].sum()
    pairs = {
        "labels equally far from the two ends": mirrored,
        "neighbours, from the second label on,": both_dropped(dropped, 1, 1),
        **{f"labels {n:,} apart": both_dropped(dropped, n) for n in DISTANCES},
    }
    for which, count in pairs.items():
        check_count(
            count,
            PAIRS,
            drop_prob**2,
            called=f"drop_labels(y, {drop_prob}, 10) on a batch of {VERY_MANY:,}",
            what=f"pairs of {which} were both dropped",
            must=f"coins are independent, so two of them fall on null with probability {drop_prob}²",
            hint=DRAW,
            parts=len(pairs),
        )


@pytest.mark.parametrize("own", [True, False])
def test_every_call_draws_anew(step, own):
    """Calls in a row drop labels independently: two of them are dropped with probability p²."""
    g = generator(fresh_seed())
    y, source = labels(g, MANY, 10), g if own else None
    first, second, third = (drops(step, y, 0.25, 10, source) for _ in range(3))
    for count, what in (
        ((first & second).sum(), "labels were dropped both times"),
        ((first & third).sum(), "labels were dropped the first and the third time"),
        ((first & second.roll(1)).sum(), "labels were dropped, and then the one before them"),
        ((first & second.roll(-1)).sum(), "labels were dropped, and then the one after them"),
    ):
        check_count(
            count,
            MANY,
            0.0625,
            called=f"drop_labels(y, 0.25, 10{', generator' if own else ''}) again and again, "
            f"on {MANY:,} labels",
            what=what,
            must="every call draws anew, so two labels are dropped with probability 0.25²",
            hint="no fixed seed and no stored mask; draw from the generator, which then moves on",
            parts=4,
        )


@pytest.mark.parametrize("own", [True, False])
def test_no_two_calls_drop_the_same_labels(step, own):
    """Of 300 calls no two drop the same of 200 labels; by chance two do once in 10^55 times."""
    g = generator(fresh_seed())
    y, source = labels(g, FEW, 10), g if own else None
    found = different(torch.stack([drops(step, y, 0.5, 10, source) for _ in range(REPEATS)]))
    check_that(
        found == REPEATS,
        called=f"drop_labels(y, 0.5, 10{', generator' if own else ''}) on {FEW} labels, "
        f"{REPEATS} times",
        got=f"In {REPEATS} calls it made only {found} different choices",
        must="every label of every call has a draw of its own",
        hint="draw from the generator itself, not from another one that is seeded by it",
    )


def test_seeds_beside_each_other_are_independent(step):
    """Generators whose seeds differ by little drop labels independently."""
    seed = 2 * (fresh_seed() // 4)
    y = labels(generator(0), MANY, 10)
    for distance in (1, 2, 1000):
        one, other = (drops(step, y, 0.25, 10, generator(s)) for s in (seed, seed + distance))
        check_count(
            (one & other).sum(),
            MANY,
            0.0625,
            called=f"drop_labels(y, 0.25, 10, generator) on {MANY:,} labels, "
            f"with two generators whose seeds differ by {distance}",
            what="labels were dropped both times",
            must="another seed gives independent draws",
            hint="use the generator as it is: do not read, change or round its seed",
            parts=3,
        )


def test_every_call_uses_its_own_arguments(step):
    """Nothing is kept from an earlier call: no probability, no null class, no size."""
    for drop_prob, null_class, size in ((1.0, 10, 4), (0.0, 10, 4), (1.0, 12, 4), (1.0, 3, 5)):
        y = torch.arange(size) % 3
        check_close(
            step.drop_labels(y, drop_prob, null_class),
            torch.full_like(y, null_class) if drop_prob == 1 else y,
            called=f"drop_labels(y, {drop_prob}, {null_class}) on {size} labels, "
            "after calls with other arguments",
            must="a call depends on its own arguments only",
            hint="store nothing between calls: no global variable, no cache",
        )


def test_generator_decides_the_result(step):
    """The seed decides which labels are dropped, and the global generator stays as it is."""
    y, state = labels(generator(0), FEW, 10), torch.get_rng_state()
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
        hint="every draw takes generator=generator, and the function never seeds it",
    )
    check_that(
        torch.equal(state, torch.get_rng_state()),
        called="drop_labels with a generator",
        got="changed the state of torch's global generator",
        must="if there is a generator, the global one is neither used nor seeded",
        hint="no torch.manual_seed() here, and every draw takes generator=generator",
    )


def test_without_a_generator_the_global_one_is_used(step):
    """The caller's torch.manual_seed decides which labels are dropped; the function never seeds."""
    y, results, following = labels(generator(0), FEW, 10), [], []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        results.append(drops(step, y, 0.5, 10))
        following.append(float(torch.rand(())))
    check_that(
        torch.equal(results[0], results[1]),
        called="torch.manual_seed(5) and drop_labels, twice",
        got="dropped other labels the second time",
        must="without a generator the coins come from torch's global one, so the labels are the same",
        hint="use torch.rand with generator=None; do not use random numbers of Python or NumPy",
    )
    check_that(
        not torch.equal(results[0], results[2]) and following[0] != following[2],
        called="drop_labels after torch.manual_seed(5), and again after torch.manual_seed(6)",
        got="made the two seeds equal",
        must="the global generator is used as it is and never seeded",
        hint="no torch.manual_seed() in the function: the caller chooses the seed",
    )


@pytest.mark.parametrize("context", NO_GRAD_CONTEXTS)
def test_active_whenever_it_is_called(step, context):
    """Labels are dropped whether or not gradients are recorded."""
    g = generator(fresh_seed())
    with context():
        dropped = drops(step, labels(g, MANY, 10), 0.5, 10, g)
    check_count(
        dropped.sum(),
        MANY,
        0.5,
        called=f"drop_labels(y, 0.5, 10) on {MANY:,} labels under torch.{context.__name__}()",
        what="labels were dropped",
        must="it is active whenever it is called",
        hint="do not look at gradients or at a mode: a sampler does not call this function",
    )


@pytest.mark.parametrize("drop_prob", [0.25, 0.5])
def test_batch_of_one(step, drop_prob):
    """A single label has its own coin too."""
    fresh_seed()
    check_count(
        drops_in_calls(step, labels(generator(0), 1, 3), drop_prob, 3).sum(),
        MANY_CALLS,
        drop_prob,
        called=f"drop_labels(y, {drop_prob}, 3) on a batch of 1, {MANY_CALLS} times",
        what="labels were dropped",
        must=f"{ONE_COIN_EACH} {drop_prob}",
        hint="do not compute a number of labels to drop: int(p * 1) is 0",
    )


@pytest.mark.parametrize("dtype", LABEL_DTYPES)
def test_labels_keep_their_dtype(step, dtype):
    """Labels of any integer dtype come back in it."""
    y = labels(generator(fresh_seed()), SOME, 7).to(dtype)
    result = step.drop_labels(y, 0.5, 7)
    called = f"drop_labels(y, 0.5, 7) on labels of {dtype}"
    check_tensor(result, (SOME,), dtype, called=called, must="the labels keep their dtype")
    check_that(
        bool(((result == y) | (result == 7)).all()) and 0 < (result == 7).sum() < SOME,
        called=called,
        got=f"returned labels from {int(result.min())} to {int(result.max())}, "
        f"{int((result == 7).sum()):,} of them null",
        must="some labels are dropped, and the others stay as they are",
        hint=DRAW,
    )


@pytest.mark.parametrize("drop_prob", PROBABILITIES)
def test_empty_batch_stays_empty(step, drop_prob):
    """No labels come back as no labels."""
    y = labels(generator(0), 0, 3)
    check_tensor(
        step.drop_labels(y, drop_prob, 3),
        (0,),
        torch.int64,
        called=f"drop_labels(y, {drop_prob}, 3) on a batch of 0",
        must="it returns labels like those of y, and here there are none",
    )


@pytest.mark.parametrize("own", [True, False])
def test_labels_stay_on_their_device(step, own):
    """The result is on the device of y, wherever the generator is."""
    source = generator(0) if own else None
    fault = fault_elsewhere(
        lambda y: step.drop_labels(y, 0.5, 3, source), labels(generator(0), SOME, 3)
    )
    check_that(
        not fault,
        called="drop_labels(y, 0.5, 3) on labels on a GPU, "
        + ("with a generator on the CPU" if own else "without a generator"),
        got=fault,
        must="the result is on the device of y, wherever the generator is",
        hint="draw on the generator's device, or else on that of y, and move the mask to y.device",
    )


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("own", [True, False])
def test_device_of_the_labels_is_kept(step, device, own):
    """The result is on the device of y, wherever the generator is."""
    g = generator(0)
    y = labels(g, SOME, 3).to(device)
    result = step.drop_labels(y, 0.5, 3, g if own else None)
    called = f"drop_labels(y, 0.5, 3) on labels on {device}"
    check_tensor(
        result, tuple(y.shape), torch.int64, called=called, must="it returns labels like y"
    )
    check_that(
        result.device == y.device and bool((result == 3).any()),
        called=called,
        got=f"returned labels on {result.device}, {int((result == 3).sum()):,} of them null",
        must="the labels stay on their device, and half of them are dropped",
        hint="draw on the generator's device, and move the mask to the device of y",
    )


@pytest.mark.parametrize("drop_prob", BAD_PROBABILITIES)
def test_probability_outside_its_range_is_refused(step, drop_prob):
    """A drop_prob below 0 or above 1 raises a ValueError."""
    y = labels(generator(0), 4, 3)
    check_raises(
        ValueError,
        lambda: step.drop_labels(y, drop_prob, 3),
        called=f"drop_labels(y, drop_prob={drop_prob}, null_class=3)",
        must="a probability is in [0, 1]; anything else raises a ValueError (10% is 0.1, not 10)",
        hint="check drop_prob first; do not clamp it",
    )
