"""SPACE_TO_BATCH_ND, a convolution and BATCH_TO_SPACE_ND as the one dilated convolution that they are.

Images of every b-th cell, each convolved on its own, are the whole image convolved with taps b cells apart. The cells
that the first operator adds and the last one cuts are that convolution's padding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import tflite

from fastconv.tflite.loader import ABSENT, Model, Operator
from fastconv.tflite.ops.blocks import blocks, border, pads_vector
from fastconv.tflite.ops.windows import dilations, pads_same
from fastconv.tflite.registry import Node, Values, translate

_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


@dataclass(frozen=True)
class Dilated:
    """The three operators, by their places in the model."""

    space: int
    conv: int
    batch: int


def find_dilated(model: Model) -> Iterator[Dilated]:
    """Return the convolutions whose input and result nobody else sees, between a pair of the same blocks."""
    makers = {index: place for place, operator in enumerate(model.operators) for index in operator.outputs}
    readers = Counter(index for operator in model.operators for index in operator.inputs)
    readers.update(model.outputs)

    def made_by(operator: Operator, *names: str) -> int | None:
        """Return the operator that made the first input for this one alone."""
        first = operator.inputs[0] if operator.inputs else ABSENT
        place = makers.get(first)
        return place if place is not None and model.operators[place].name in names and readers[first] == 1 else None

    for place, batch in enumerate(model.operators):
        if batch.name != "BATCH_TO_SPACE_ND":
            continue
        conv = made_by(batch, *_CONVOLUTIONS)
        space = None if conv is None else made_by(model.operators[conv], "SPACE_TO_BATCH_ND")
        if conv is not None and space is not None and _fit(model, model.operators[space], model.operators[conv], batch):
            yield Dilated(space, conv, place)


def _fit(model: Model, space: Operator, conv: Operator, batch: Operator) -> bool:
    one, other = (model.tensors[operator.inputs[1]].data for operator in (space, batch))
    same = one is not None and other is not None and one.shape == (2,) and np.array_equal(one, other)
    return same and (conv.options.get("StrideH"), conv.options.get("StrideW")) == (1, 1)


def translate_dilated(found: Dilated, values: Values) -> None:
    """Make the calls of the three operators."""
    places = (found.space, found.conv, found.batch)
    space, conv, batch = (Node(values.model.operators[place], place, values) for place in places)
    steps = [block * dilation for block, dilation in zip(blocks(space), dilations(conv))]
    added = space.add("sub", border(space), border(batch))
    if pads_same(conv):
        reach = [(taps - 1) * dilation for taps, dilation in zip(conv.tensor(1).shape[1:3], dilations(conv))]
        ends = [[block * (n // 2), block * (n - n // 2)] for block, n in zip(blocks(space), reach)]
        added = space.add("add", added, space.array(np.array(ends, np.int64)))
    values.first[space.operator.outputs[0]] = space.add("pad", space.first(0), pads_vector(space, added))
    options = {"Padding": tflite.Padding.VALID, "DilationHFactor": steps[0], "DilationWFactor": steps[1]}
    whole = replace(conv.operator, outputs=batch.operator.outputs, options={**conv.operator.options, **options})
    translate(Node(whole, found.batch, values))
