"""Which nodes run natively, which through onnx's reference implementation, and in what order: the steps of a session.

Every node gets a level: natives have even ones, fallbacks odd ones, and a node's level is never below its inputs'.
The natives of one level are one segment, which runs as one network. So a model without fallbacks is one segment, and a
fallback splits only what depends on it. A native node whose shape argument is computed from run-time data (not from
constants, shapes and small inputs) begins a new segment as well: there, the argument is an input, known while planning.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import onnx

from fastconv.onnx import ops  # noqa: F401 (fills the table of translators)
from fastconv.onnx.checks import outer_names
from fastconv.onnx.fallback import evaluate
from fastconv.onnx.loader import Model
from fastconv.onnx.registry import Call, Recipe, Unsupported, translate
from fastconv.onnx.types import tensor_dtype, tensor_rank

# Inputs of the vocabulary's operators that must be known while planning.
_SHAPE_ARGUMENTS = {
    "reshape": (1,),
    "expand": (1,),
    "tile": (1,),
    "squeeze": (1,),
    "unsqueeze": (1,),
    "split": (1,),
    "slice": (1, 2, 3, 4),
    "pad": (1, 2, 3),
    "resize": (1, 2, 3),
    "topk": (1,),
    "cumsum": (1,),
    "constant_of_shape": (0,),
    "range": (0, 1, 2),
    **{f"reduce_{name}": (1,) for name in ("mean", "sum", "max", "min", "prod", "l1", "l2", "sum_square")},
    "reduce_log_sum_exp": (1,),
    "reduce_log_sum": (1,),
}
_BORDER = -1  # the level of inputs and constants
_RANDOM = ("Random", "Bernoulli", "Multinomial")


@dataclass
class NativeStep:
    """Calls that become one network; `inputs` and `outputs` are the values that cross its border."""

    calls: list[Call] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)


@dataclass
class FallbackStep:
    """One node that onnx's reference implementation runs; `feeds` maps its names to the plan's values."""

    node: onnx.NodeProto
    feeds: dict[str, str]
    reason: str


Step = NativeStep | FallbackStep


@dataclass
class Plan:
    """A model as steps. `outputs` maps each graph output to the value that it is."""

    steps: list[Step]
    constants: dict[str, np.ndarray]
    outputs: dict[str, str]
    kinds: dict[str, tuple[str, int | None]]  # dtype and rank of values that cross a border; rank None: unknown

    @property
    def fallbacks(self) -> Counter[str]:
        """The number of fallback nodes by operator."""
        return Counter(step.node.op_type for step in self.steps if isinstance(step, FallbackStep))


def make_plan(model: Model) -> Plan:
    """Translate a model's nodes and arrange them in steps."""
    return _Partition(model).plan()


class _Partition:
    """The state while nodes are placed one by one."""

    def __init__(self, model: Model):
        self.model = model
        self.constants = dict(model.constants)
        self.same_as: dict[str, str] = {}  # an ONNX value -> the value that it is
        self.kinds: dict[str, tuple[str, int | None]] = {}
        self.level = {value.name: _BORDER for value in model.inputs}
        self.known: set[str] = set()  # values that are known while planning the segment that makes them
        self.native: dict[int, list[Call]] = {}
        self.fallback: dict[int, list[FallbackStep]] = {}
        for value in model.inputs:
            self._describe(value.name, value.name)

    def plan(self) -> Plan:
        for node in self.model.nodes:
            try:
                self._place_native(translate(node, self.model))
            except Unsupported as reason:
                self._place_fallback(node, str(reason))
        outputs = {value.name: self._value(value.name) for value in self.model.outputs}
        steps = self._steps(outputs.values())
        kept = {*outputs.values()}.union(*(self._reads(step) for step in steps))
        constants = {name: array for name, array in self.constants.items() if name in kept}
        return Plan(steps, constants, outputs, self.kinds)

    # --- placing ------------------------------------------------------------------------------------------------

    def _value(self, name: str) -> str:
        return self.same_as.get(name, name)

    def _describe(self, value: str, name: str) -> None:
        """Remember what ONNX says of `name`, under the value that it is."""
        self.kinds[value] = tensor_dtype(self.model.types, name), tensor_rank(self.model.types, name)

    def _level(self, name: str) -> int:
        return self.level.get(name, _BORDER)

    def _place_native(self, recipe: Recipe) -> None:
        calls = [_renamed(call, self.same_as) for call in recipe.calls]
        self.constants.update(recipe.constants)
        inside = {name for call in calls for name in call.outputs}
        level = max([_BORDER + 1, *(_even(self._level(n)) for call in calls for n in call.inputs if n)])
        while any(
            self._is_late(name, level) for call in calls for name in _shape_arguments(call) if name not in inside
        ):
            level += 2
        for call in calls:
            known = all(self._is_known(name, level) for name in call.inputs if name)
            for name in call.outputs:
                self.level[name] = level
                if known or call.op in ("shape", "size"):
                    self.known.add(name)
        self.native.setdefault(level, []).extend(calls)
        for name, result in recipe.results.items():
            self.same_as[name] = self._value(result)
            if self._value(result) not in self.kinds:
                self._describe(self._value(result), name)

    def _place_fallback(self, node: onnx.NodeProto, reason: str) -> None:
        feeds = {name: self._value(name) for name in outer_names(node)}
        step = FallbackStep(node, feeds, reason)
        if all(value in self.constants for value in feeds.values()) and not node.op_type.startswith(_RANDOM):
            self._fold(step)
            return
        level = max([_BORDER, *(_odd(self._level(value)) for value in feeds.values())])
        self.fallback.setdefault(level, []).append(step)
        for name in filter(None, node.output):
            self.level[name] = level
            self._describe(name, name)

    def _fold(self, step: FallbackStep) -> None:
        """Run a node of constants now: its outputs are constants."""
        results = evaluate(step.node, self.model, {name: self.constants[value] for name, value in step.feeds.items()})
        for name, result in results.items():
            self.constants[name] = self.model.constants[name] = result

    # --- what is known while planning ---------------------------------------------------------------------------

    def _is_known(self, name: str, level: int) -> bool:
        """Constants, results of shape arithmetic, and what crosses the border as a number or a list of them."""
        if name in self.constants or name in self.known:
            return True
        _, rank = self.kinds.get(name, ("", None))
        return self._level(name) < level and rank is not None and rank <= 1

    def _is_late(self, name: str, level: int) -> bool:
        """Tell whether a shape argument would only be known after its own segment has run."""
        return self.level.get(name) == level and name not in self.known

    # --- steps --------------------------------------------------------------------------------------------------

    @staticmethod
    def _makes(step: Step) -> list[str]:
        if isinstance(step, FallbackStep):
            return list(step.node.output)
        return [name for call in step.calls for name in call.outputs]

    @staticmethod
    def _reads(step: Step) -> list[str]:
        if isinstance(step, FallbackStep):
            return list(step.feeds.values())
        return [name for call in step.calls for name in call.inputs if name]

    def _steps(self, outputs: Iterable[str]) -> list[Step]:
        """Return the steps in order, without fallbacks and segments that nobody reads."""
        ordered: list[Step] = []
        for level in sorted({*self.native, *self.fallback}):
            if calls := self.native.get(level):
                ordered.append(NativeStep(calls))
            ordered += self.fallback.get(level, [])
        needed, kept = set(outputs), []
        for step in reversed(ordered):
            made = self._makes(step)
            if needed.isdisjoint(made):
                continue
            if isinstance(step, NativeStep):
                step.outputs = [name for name in made if name in needed]
                inside = {*made, *self.constants}
                step.inputs = [name for name in dict.fromkeys(self._reads(step)) if name not in inside]
            needed.update(self._reads(step))
            kept.append(step)
        return kept[::-1]


def _even(level: int) -> int:
    return level + level % 2


def _odd(level: int) -> int:
    return level + 1 - level % 2


def _renamed(call: Call, same_as: dict[str, str]) -> Call:
    inputs = tuple(same_as.get(name, name) if name else None for name in call.inputs)
    return Call(call.op, inputs, call.attributes, call.outputs, call.name)


def _shape_arguments(call: Call) -> list[str]:
    indices = _SHAPE_ARGUMENTS.get(call.op, ())
    return [name for index in indices if index < len(call.inputs) and (name := call.inputs[index])]
