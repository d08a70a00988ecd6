"""`torch.compile(model, backend="fastconv")`: from what dynamo captures to a program.

AOTAutograd makes the captured graph functional and writes it in aten operators, `program` arranges it in networks and
torch's own calls. Parameters stay inputs, which dynamo marks, so weights that change later are seen, unless they
are frozen (`freezing`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import torch
from torch._functorch._aot_autograd.schemas import OutputType, PlainTensorMeta
from torch._functorch.aot_autograd import aot_module_simplified
from torch._guards import TracingContext
from torch.fx import GraphModule

from fastconv import _wisdom
from fastconv._precision import check, get_precision
from fastconv.torch.interpolate import whole_resizes
from fastconv.torch.partition import NOT_WORTH_IT
from fastconv.torch.program import Left, Program, make_program, operator_name

_logger = logging.getLogger("fastconv")
MAX_PLANS = 16  # sizes that keep their plan: an image pyramid has a dozen
GRADIENTS = "gradients are asked for: call the model under torch.no_grad() or torch.inference_mode()"


def backend(
    module: GraphModule, example_inputs: Sequence[Any], *, options: Mapping[str, Any] | None = None, **_: Any
) -> Callable[..., Any]:
    """Compile a graph for torch.compile: the function behind ``backend="fastconv"``.

    Parameters
    ----------
    module : GraphModule
        What dynamo captured.
    example_inputs : sequence of tensor and int
    options : mapping, optional
        ``torch.compile(..., options={"precision": "high"})``: the error budget, by default the one in force (see
        `fastconv.set_precision`). ``"tune": False`` leaves every choice to the cost model, as in `fastconv.compile`.
        ``"freezing": True`` promises that after the first call nobody writes to, loads or replaces parameters, buffers,
        submodules or methods of these, nor sets anything on torch's own layers and containers. Then no call passes
        or looks at them, where dynamo lets a backend take them out of its work (the logger tells where it does not)
        and the graph writes to none of its inputs and returns no view of one.

    Returns
    -------
    callable
        Computes what the graph does. Where gradients are asked for that is torch's own doing: fastconv has none.
    """
    return compile_graph(module, example_inputs, options, log_left)


def compile_graph(
    module: GraphModule,
    inputs: Sequence[Any],
    options: Mapping[str, Any] | None,
    report: Callable[[Program], None],
) -> Callable[..., Any]:
    """Compile a graph, and tell `report` of the program that it became."""
    settings = dict(options or {})
    freezing = _freezing(settings.pop("freezing", False))
    for_networks = network_options(**settings)
    if torch.is_grad_enabled() and any(isinstance(x, torch.Tensor) and x.requires_grad for x in inputs):
        calls = (node for node in module.graph.nodes if node.op in ("call_function", "call_method", "call_module"))
        report(Program(module.forward, left=[Left(operator_name(n), n.name, GRADIENTS) for n in calls]))
        return module.forward
    programs: list[Program] = []
    is_plain = False

    def compile_aten(gm: GraphModule, example_inputs: Sequence[Any]) -> Callable[..., Any]:
        nonlocal is_plain
        is_plain, fixed = _is_plain(module), _parameters()
        frozen = _freeze(module, inputs, fixed) if freezing and is_plain and fixed else {}
        programs.append(make_program(gm, fixed, for_networks, freezing, frozen))
        report(programs[0])
        return programs[0].run

    with whole_resizes():
        wrapped: Callable[..., Any] = aot_module_simplified(
            module, list(inputs), fw_compiler=compile_aten, bw_compiler=None, inference_compiler=compile_aten
        )
    return programs[0].run if is_plain else wrapped


def _freeze(module: GraphModule, example_inputs: Sequence[Any], fixed: list[int]) -> dict[int, torch.Tensor]:
    try:
        from fastconv.torch.freezing import freeze  # as late as this: it needs much of dynamo to be as it knows it

        return freeze(module, example_inputs, fixed)
    except Exception as error:  # of any kind
        _logger.warning("freezing: parameters stay inputs of each call: %s: %s", type(error).__name__, error)
        return {}


def _freezing(freezing: Any) -> bool:
    if not isinstance(freezing, bool):
        raise ValueError(f'torch.compile: options["freezing"] must be True or False, got {freezing!r}')
    return freezing


def network_options(precision: str | None = None, tune: bool | None = None, **unknown: Any) -> dict[str, Any]:
    """Return the keyword arguments of ``_core.Network`` for the options of torch.compile."""
    if unknown:
        known = "precision, tune, freezing"
        raise ValueError(f"torch.compile: options of fastconv must be among {known}, got {sorted(unknown)}")
    if tune not in (None, False):
        raise ValueError(f'torch.compile: options["tune"] must be None or False, got {tune!r}')
    precision = check(precision or get_precision(), 'torch.compile: options["precision"]')
    algorithms = {} if tune is False else _wisdom.known(precision)
    return {"precision": precision, "max_plans": MAX_PLANS, "algorithms": algorithms}


def _metadata() -> Any:
    context = TracingContext.try_get()
    return None if context is None else context.fw_metadata


def _parameters() -> list[int]:
    """Return the positions of the inputs that keep their place from call to call, and that the graph never writes."""
    metadata = _metadata()
    if metadata is None:
        return []
    return [i for i in metadata.static_input_indices if not metadata.input_info[i].mutates_data]


def _is_plain(module: GraphModule) -> bool:
    """Tell whether AOTAutograd's wrapper, at some 15 us a call, has nothing to do.

    It writes back to inputs, makes outputs that are views of inputs or of each other, and switches autocast off.
    """
    metadata = _metadata()
    if metadata is None or torch.is_autocast_enabled("cpu"):
        return False
    if next(chain(module.parameters(), module.buffers()), None) is not None:
        return False
    own = (OutputType.non_alias, OutputType.unsafe_view_alias)
    return (
        not any(entry.mutates_data or entry.mutates_metadata for entry in metadata.input_info)
        and all(entry.output_type in own for entry in metadata.output_info)
        and all(isinstance(entry, PlainTensorMeta) for entry in metadata.subclass_inp_meta)
        and not metadata.tokens
        and metadata.grad_enabled_mutation is None
    )


def log_left(program: Program) -> None:
    """Warn of each operator that torch computes, once; what is not worth a network is no news."""
    reasons = {left.op: left.reason for left in program.left if left.reason != NOT_WORTH_IT}
    if GRADIENTS in reasons.values():
        _logger.warning("torch computes the model: %s", GRADIENTS)
        return
    for op, reason in reasons.items():
        _logger.warning("%s is left to torch: %s", op, reason)
