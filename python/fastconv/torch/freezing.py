"""Parameters as a part of the graph, for `options={"freezing": True}`: dynamo neither passes them nor looks at them.

A backend is called in the middle of dynamo's own work: afterwards dynamo reads off the graph's placeholders what its
code passes on each call, and makes guards of a set that it has collected. So both can still be changed, though torch
promises neither (this is of torch 2.13). Used by `dynamo`, which does without where something is not as expected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch._dynamo.guards import GuardBuilder
from torch._dynamo.source import AttrSource, UnspecializedNNModuleSource
from torch._dynamo.symbolic_convert import InstructionTranslator
from torch._guards import GuardsSet, Source
from torch.fx import GraphModule, Node

_OWN = ("torch.nn.modules.", "fastconv.torch.layers")  # where torch's layers and containers are, and convert's
_TABLES = ("_modules", "_parameters", "_buffers")


def freeze(module: GraphModule, example_inputs: Sequence[Any], fixed: Iterable[int]) -> dict[int, torch.Tensor]:
    """Take parameters of modules out of what dynamo is about to pass to a graph, and their guards out of its guards.

    These are the parameters, and the buffers of torch's own layers and of torch.fx graphs: those of other modules may
    be what the module itself assigns on each call.

    Parameters
    ----------
    module : GraphModule
        As dynamo gave it to the backend that is being called.
    example_inputs : sequence of tensor and int
    fixed : iterable of int
        Positions of the inputs that keep their place from call to call, and that the graph never writes.

    Returns
    -------
    dict of int to tensor
        What is passed no more, by position.

    Raises
    ------
    Exception
        Of any kind, where torch is not as expected: then dynamo passes what it did, and looks at what it did.
    """
    frame = _Frame(InstructionTranslator.current_tx().output)
    placeholders = module.graph.find_nodes(op="placeholder")
    passed = frame.output.graphargs
    if [node.meta["grapharg"] for node in placeholders] != passed:
        raise RuntimeError("a graph must have the inputs that dynamo passes, got others")
    frozen = {index: example_inputs[index] for index in fixed if frame.may_freeze(passed[index])}
    guards = frame.guards_without({passed[index].source for index in frozen})
    for index, tensor in frozen.items():
        _make_attribute(module, placeholders[index], tensor)
    if frame.output.graphargs != [argument for index, argument in enumerate(passed) if index not in frozen]:
        raise RuntimeError("dynamo must pass what its graph has as inputs, got more")
    frame.output.tracing_context.guards_context.dynamo_guards = guards
    return frozen


class _Frame:
    """What dynamo knows of the code that it compiles.

    Parameters
    ----------
    output : torch._dynamo.output_graph.OutputGraph
    """

    def __init__(self, output: Any) -> None:
        self.output = output
        self._scope = {"L": output.local_scope, "G": output.global_scope}
        self._values: dict[Source, Any] = {}

    def may_freeze(self, argument: Any) -> bool:
        """Tell whether an argument is a module's tensor, and none that the module's own code may replace."""
        modules = _modules(argument.source)
        if not modules or isinstance(argument.example, torch.nn.Parameter):
            return bool(modules)
        return self._is_own(modules[0]) or isinstance(self._value(modules[0]), GraphModule)

    def guards_without(self, frozen: set[Source]) -> GuardsSet:
        """Return dynamo's guards without those that frozen parameters and modules need not have.

        In their place are the identity of the modules that the parameters were reached through, since all modules of
        the same code come here, and whether these are in training mode.
        """
        guards = GuardsSet()
        for guard in self.output.guards:
            if not self._is_promised(guard.originating_source, frozen):
                guards.add(guard)
        for module in dict.fromkeys(_modules(source)[-1] for source in frozen):
            # By the name below that of the module: then dynamo limits recompilations of each module, not of all.
            guards.add(module.base.make_guard(GuardBuilder.ID_MATCH))
            guards.add(AttrSource(module, "training").make_guard(GuardBuilder.CONSTANT_MATCH))
        return guards

    def _is_promised(self, source: Source, frozen: set[Source]) -> bool:
        """Tell whether this stays what it is: how modules are built, and all of torch's own layers and containers."""
        modules = _modules(source)
        if not modules:
            return False
        is_structure = source is modules[0] or (isinstance(source, AttrSource) and source.member in _TABLES)
        return is_structure or self._is_own(modules[0]) or not frozen.isdisjoint(_chain(source))

    def _is_own(self, module: Source) -> bool:
        """Tell whether a module is one of torch's own layers or containers."""
        return type(self._value(module)).__module__.startswith(_OWN)

    def _value(self, module: Source) -> Any:
        return module.get_value(self._scope, {}, self._values)


def _chain(source: Source | None) -> Iterator[Source]:
    """Yield a source, what it is a part of, and so on."""
    while source is not None:
        yield source
        source = getattr(source, "base", None)


def _modules(source: Source) -> list[Any]:
    """Return the modules that something is a part of, the innermost first."""
    return [part for part in _chain(source) if isinstance(part, UnspecializedNNModuleSource)]


def _make_attribute(module: GraphModule, node: Node, tensor: torch.Tensor) -> None:
    """Make of a graph's input an attribute of its module."""
    setattr(module, node.name, tensor)
    with module.graph.inserting_before(node):
        node.replace_all_uses_with(module.graph.create_node("get_attr", node.name))
    module.graph.erase_node(node)
