"""What step 7 is asked: where the walk of each sampler leads, what it asks the model, and what it leaves behind.

A question that is put to all three samplers is asked under the name of the last.
"""

import torch
from torch import nn

from kata.criteria.questions import (
    asks,
    branch,
    images,
    refusal,
    tally,
    with_generators,
    with_the_global_one,
)
from kata.criteria.rules import (
    BAD_LABELS,
    LANDED,
    REPEATED,
    TESTIMONY,
    Criterion,
    close,
    rule,
    standard_normal,
)
from kata.testing.models import LabelField, PointMass

SAMPLERS = ("sample", "sample_conditional", "sample_each_class")


SCALES = (-1, 0, 0.5, 1, 1.5, 4)


SHAPE = (1, 4, 6)


def draw(step, sampler, model, shape=SHAPE, **options):
    """Two images of each class by one of the samplers (`sample`: as many), in one step by default."""
    options = {"num_steps": 1, "num_classes": model.num_classes, **options}
    if sampler == "sample":
        return step.sample(model, 2 * model.num_classes, shape, **options)
    if sampler == "sample_conditional":
        labels = torch.arange(2 * model.num_classes) % model.num_classes
        return step.sample_conditional(model, labels, shape, **options)
    return step.sample_each_class(model, 2, shape, **options)


@asks("sample")
def sample_lands_on_the_image_of_the_null_class(step, g):
    landed = {}
    for num_steps, shape in enumerate([(1, 4, 6), (3, 6, 5), (4, 5, 4), (1, 4, 6), (3, 5, 4)], 1):
        model, noise = PointMass(images(g, 4, shape)), torch.randn(6, *shape, generator=g)
        landed[f"{num_steps} steps"] = step.sample(
            model, 6, shape, num_steps, num_classes=3, noise=noise
        )
    return landed


rule(sample_lands_on_the_image_of_the_null_class, LANDED)


@asks("sample_conditional")
def guidance_lands_where_the_formula_says(step, g):
    landed = {}
    for num_steps, k, shape in [(1, 3, (1, 4, 6)), (2, 7, (3, 6, 5)), (5, 12, (1, 5, 4))]:
        model = PointMass(images(g, k + 1, shape))
        labels = torch.tensor([2, 0, 2, 1, k - 1])[: shape[-1]]
        noise = torch.randn(len(labels), *shape, generator=g)
        for scale in SCALES:
            landed[f"{num_steps} steps, w={scale}"] = step.sample_conditional(
                model, labels, shape, num_steps, scale, num_classes=k, noise=noise
            )
    return landed


rule(guidance_lands_where_the_formula_says, LANDED)


@asks("sample_conditional")
def the_whole_path_is_eulers(step, g):
    model, noise = LabelField(3, 3), images(g, 5, (3, 4, 5))
    labels = torch.tensor([1, 0, 2, 2, 1])
    return {
        f"{num_steps} steps, w={scale}": step.sample_conditional(
            model, labels, (3, 4, 5), num_steps, scale, num_classes=3, noise=noise
        )
        for num_steps in (1, 2, 3, 4, 5)
        for scale in SCALES
    }


rule(the_whole_path_is_eulers, LANDED)


@asks("sample")
def the_whole_path_of_sample_is_eulers(step, g):
    model, noise = LabelField(7, 3), images(g, 4, (3, 5, 4))
    return {
        f"{num_steps} steps": step.sample(model, 4, (3, 5, 4), num_steps, 7, noise=noise)
        for num_steps in (1, 2, 3, 4, 5)
    }


rule(the_whole_path_of_sample_is_eulers, LANDED)


@asks("sample_each_class")
def times_go_from_one_to_dt(step, g):
    times = {}
    for sampler in SAMPLERS:
        for num_steps in (1, 2, 3, 4, 5):
            model = LabelField(3, 1)
            draw(step, sampler, model, num_steps=num_steps)
            times[f"{sampler}, {num_steps} steps"] = torch.tensor(model.times)
    return times


rule(times_go_from_one_to_dt, Criterion(close(0.0002), testimony=True))


@asks("sample_each_class")
def cost_in_samples_evaluated(step, g):
    costs = {}
    for sampler in SAMPLERS:
        for scale in (0, 0.0, 1, 1.0, -1, 0.5, 4.0):
            model = LabelField(3, 1)
            guidance = {} if sampler == "sample" else {"cfg_scale": scale}
            draw(step, sampler, model, num_steps=3, **guidance)
            costs[f"{sampler}, w={scale!r}"] = model.evaluated
    return costs


rule(cost_in_samples_evaluated, TESTIMONY)


@asks("sample_each_class")
def given_noise_is_the_starting_point(step, g):
    seen = {}
    for sampler in SAMPLERS:
        model, noise = LabelField(3, 1), images(g, 6, SHAPE)
        before = noise.clone()
        draw(step, sampler, model, num_steps=2, noise=noise)
        seen |= {f"{sampler}: starts": model.starts, f"{sampler}: changed": noise - before}
    return seen


rule(given_noise_is_the_starting_point, TESTIMONY)


@asks("sample_each_class")
def noise_is_standard_normal(step, g):
    counts = {}
    for sampler in SAMPLERS:
        for own in (branch(g), None):
            model = LabelField(3, 3)
            draw(step, sampler, model, (3, 30, 40), generator=own)
            counts[f"{sampler}, generator {own is not None}: tally"] = tally(model.starts)
    return counts


rule(noise_is_standard_normal, standard_normal(6 * 3 * 30 * 40))


@asks("sample_each_class")
def every_sample_has_noise_of_its_own(step, g):
    lines = {}
    for sampler in SAMPLERS:
        for own in (branch(g), None):
            model = LabelField(3, 3)
            draw(step, sampler, model, (3, 4, 5), generator=own)
            different = torch.unique(model.starts.reshape(-1, 5), dim=0)
            lines[f"{sampler}, generator {own is not None}"] = len(different)
    return lines


rule(every_sample_has_noise_of_its_own, TESTIMONY)


@asks("sample_each_class")
def generator_decides_the_result(step, g):
    return {
        f"{sampler}: {name}": drawn
        for sampler in SAMPLERS
        for name, drawn in with_generators(
            lambda own, s=sampler: draw(step, s, LabelField(3, 1), generator=own), g
        ).items()
    }


rule(generator_decides_the_result, REPEATED)


@asks("sample_each_class")
def without_a_generator_the_global_one_is_used(step, g):
    return {
        f"{sampler}: {name}": drawn
        for sampler in SAMPLERS
        for name, drawn in with_the_global_one(
            lambda own, s=sampler: draw(step, s, LabelField(3, 1), generator=own)
        ).items()
    }


rule(without_a_generator_the_global_one_is_used, REPEATED)


@asks("sample_conditional")
def labels_as_tensor_list_or_number(step, g):
    model, drawn = PointMass(images(g, 4, SHAPE)), {}
    for labels in (
        torch.tensor([2, 0, 1]),
        [2, 0, 1],
        torch.tensor([1]),
        [1],
        2,
        torch.tensor(2),
        0,
    ):
        y = torch.as_tensor(labels)
        before = y.clone()
        drawn[f"{labels}"] = step.sample_conditional(
            model, labels, SHAPE, num_steps=2, cfg_scale=1.5, num_classes=3
        )
        drawn[f"{labels}: changed"] = y - before
    return drawn


rule(labels_as_tensor_list_or_number, LANDED)


@asks("sample_conditional")
def null_class_is_a_label_like_any_other(step, g):
    drawn = {}
    for k in (3, 12):
        model, noise = PointMass(images(g, k + 1, SHAPE)), torch.randn(1, *SHAPE, generator=g)

        def asked(model=model, k=k, noise=noise):
            drawn[f"K={k}"] = step.sample_conditional(
                model, [k], SHAPE, 2, num_classes=k, noise=noise
            )

        drawn[f"K={k}: refused"] = refusal(asked) > 0
    return drawn


rule(null_class_is_a_label_like_any_other, LANDED)


class TableModel(PointMass):
    """Looks labels up in a table as an `nn.Embedding` does: those outside 0 .. K raise an IndexError."""

    def velocity(self, x, t, y):
        nn.functional.embedding(y, self.mu.flatten(1))
        return super().velocity(x, t, y)


@asks("sample_conditional")
def bad_labels_are_refused(step, g):
    model = TableModel(images(g, 4, SHAPE))
    bad = [4, -1, [0, 4], [0, -1], torch.tensor([-1, 2]), torch.tensor([1, 40])]
    bad += [1.5, [0.5, 1.5], torch.tensor(2.5), torch.tensor([0.5, 1.5])]
    return {
        str(labels): refusal(
            lambda y=labels: step.sample_conditional(model, y, SHAPE, 1, num_classes=3)
        )
        for labels in bad
    }


rule(bad_labels_are_refused, BAD_LABELS)


@asks("sample_each_class")
def no_steps_are_refused(step, g):
    noise = images(g, 6, SHAPE)
    return {
        f"{sampler}, {num_steps} steps, noise {given is not None}": refusal(
            lambda s=sampler, n=num_steps, x=given: draw(
                step, s, LabelField(3, 1), num_steps=n, noise=x
            )
        )
        for sampler in SAMPLERS
        for num_steps in (0, -1)
        for given in (noise, None)
    }


rule(no_steps_are_refused, TESTIMONY)


class Watched(PointMass):
    """Records, at every call, whether a layer inside is in train mode and whether x carries a graph."""

    def __init__(self, mu):
        super().__init__(mu)
        self.inside = nn.Sequential(nn.Dropout(0.5))
        self.layer_training, self.graphs = [], []

    def velocity(self, x, t, y):
        self.layer_training.append(self.inside[0].training)
        self.graphs.append(x.requires_grad)
        return super().velocity(x, t, y)


@asks("sample_each_class")
def eval_mode_meanwhile_and_the_old_mode_afterwards(step, g):
    modes = {}
    for sampler in SAMPLERS:
        for training in (True, False):
            model, name = Watched(images(g, 4, SHAPE)).train(training), f"{sampler}, {training}"
            draw(step, sampler, model, num_steps=2)
            modes[f"{name}: outside"] = any(model.modes)
            modes[f"{name}: inside"] = any(model.layer_training)
            modes[f"{name}: after"] = torch.tensor([part.training for part in model.modules()])
    return modes


rule(eval_mode_meanwhile_and_the_old_mode_afterwards, TESTIMONY)


@asks("sample_each_class")
def no_graph_is_recorded(step, g):
    left = {}
    for sampler in SAMPLERS:
        model = Watched(images(g, 4, SHAPE))
        with torch.enable_grad():
            result = draw(step, sampler, model, num_steps=3)
            left[f"{sampler}: autograd"] = torch.is_grad_enabled()
        left[f"{sampler}: graphs"] = any(model.graphs)
        left[f"{sampler}: graph of the result"] = result.requires_grad
        left[f"{sampler}: parameters"] = all(p.requires_grad for p in model.parameters())
    return left


rule(no_graph_is_recorded, TESTIMONY)


class Plain(nn.Module):
    """An unconditional model of x and t, which counts what else it is called with."""

    def __init__(self):
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(2.0))
        self.others = 0

    def forward(self, x, t, *others, **named):
        self.others += len(others) + len(named)
        return self.slope * x + t.to(x.dtype).view(-1, 1, 1, 1)


@asks("sample")
def sample_works_with_an_unconditional_model(step, g):
    walked = {}
    for k in (10, 3):
        model, noise = Plain(), images(g, 4, (3, 5, 4))
        walked[f"K={k}"] = step.sample(model, 4, (3, 5, 4), 3, num_classes=k, noise=noise)
        walked[f"K={k}: more than x and t"] = model.others
    return walked


class Asked(Exception):
    """Ends a walk at the first evaluation."""


class Elsewhere(nn.Module):
    """Its parameter lies on the device "meta", where tensors have no values; it tells where its arguments are."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(1, device="meta"))

    def forward(self, x, t):
        raise Asked(x.is_meta and t.is_meta)


@asks("sample")
def device_is_that_of_the_model(step, g):
    source, there = branch(g), False
    state = source.get_state()
    try:
        step.sample(Elsewhere(), 2, SHAPE, 2, generator=source)
    except Asked as asked:
        there = asked.args[0]
    except NotImplementedError:
        raise
    except RuntimeError as error:
        there = "meta tensor" in str(error)  # a value was asked of a tensor there
    return {"there": there, "drawn from the generator": not torch.equal(state, source.get_state())}


rule(device_is_that_of_the_model, TESTIMONY)


@asks("sample_each_class")
def device_by_name(step, g):
    noise = images(g, 6, SHAPE)
    return {
        f"{sampler} on {device!r}": draw(
            step, sampler, LabelField(3, 1), device=device, noise=noise
        )
        for sampler in SAMPLERS
        for device in ("cpu", torch.device("cpu"))
    }


@asks("sample_each_class")
def each_class_in_the_order_of_the_classes(step, g):
    drawn = {}
    for k, n in [(3, 1), (7, 2), (12, 3)]:
        model = PointMass(images(g, k + 1, (3, 3, 4)))
        drawn[f"K={k}, n={n}"] = step.sample_each_class(model, n, (3, 3, 4), 2, 1.5, num_classes=k)
    return drawn


rule(each_class_in_the_order_of_the_classes, LANDED)


@asks("sample_each_class")
def each_class_follows_the_given_noise(step, g):
    noise = images(g, 6, SHAPE)
    return {
        "images": step.sample_each_class(
            LabelField(3, 1), 2, SHAPE, 3, 4.0, num_classes=3, noise=noise
        )
    }


rule(each_class_follows_the_given_noise, LANDED)


@asks("sample_each_class")
def defaults(step, g):
    answers = {}
    for sampler in SAMPLERS:
        shape = (1, 28, 28) if sampler == "sample_each_class" else SHAPE
        model = PointMass(images(g, 11, shape))
        if sampler == "sample":
            answers[sampler] = step.sample(model, 2, shape)
        elif sampler == "sample_conditional":
            answers[sampler] = step.sample_conditional(model, [9, 0], shape)
        else:
            answers[sampler] = step.sample_each_class(model)
        answers[f"{sampler}: samples evaluated"] = model.evaluated
    return answers


rule(defaults, LANDED)
