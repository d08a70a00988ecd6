"""`fastconv.torch.convert`: a module of torch's that runs through fastconv wherever it is called from."""

from __future__ import annotations

import copy
import gc
import inspect
import logging
import threading
from collections.abc import Callable, Mapping
from types import CodeType, MethodType
from typing import Any, TypeVar

import torch
from torch.utils import _pytree

from fastconv.torch import layers
from fastconv.torch.direct import Direct
from fastconv.torch.dynamo import backend
from fastconv.torch.layers import check_no_gradients
from fastconv.torch.signature import IndirectError, Signature, signature_of

ModuleT = TypeVar("ModuleT", bound=torch.nn.Module)
_logger = logging.getLogger("fastconv")
_exporting = threading.Lock()  # torch.export changes the process while it traces


def convert(module: ModuleT, example_inputs: tuple[Any, ...] | None = None, *, freezing: bool = False) -> ModuleT:
    """Return a copy of a module, in inference mode, that runs through fastconv.

    Its convolution, pooling and linear layers are subclasses of torch's that fastconv computes, and a call of the whole
    is captured as `torch.compile` does, so that whole graphs become networks. Names, parameters and `state_dict` are
    those of the module; it can be pickled, copied and saved with `torch.save`, and compiles again where it is loaded.

    With example inputs, the whole is captured now, by `torch.export`, and calls with such arguments cost neither
    dynamo's checks nor a compilation. Parameters and buffers may still be loaded, written to and replaced, and a
    submodule that is replaced is noticed; everything else that ``forward`` reads of Python (attributes, flags,
    globals, hooks of submodules) and the error budget are, for such calls, those of the conversion. Other calls, of
    other sizes say, are captured by `torch.compile`. So are all calls of a module that `torch.export` cannot follow,
    that writes to its buffers or inputs, or that returns views of what it is given or of its other results. The logger
    ``fastconv`` tells the first time, and ``converted.forward.compiled_calls`` counts.

    Parameters
    ----------
    module : torch.nn.Module
    example_inputs : tuple, optional
        Positional arguments of ``forward``: tensors, or lists, tuples and dicts of tensors. Calls are like them that
        have the same structure, shapes, strides and types. Only these are kept, not the tensors.
    freezing : bool
        Promise that nobody changes the converted module after its first call: calls then look neither at its parameters
        nor at how it is built, which saves 0.2 us a parameter, and many times that behind a large network.

    Returns
    -------
    torch.nn.Module
        Of the same class. Its results carry no gradients: a call that asks for some raises RuntimeError.

    Raises
    ------
    TypeError
        For anything but a module, for example inputs that are not a tuple of tensors, and a `freezing` that is no bool.
    ValueError
        For example inputs that ``forward`` does not take.
    """
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"fastconv.torch.convert: module must be a torch.nn.Module, got {type(module).__name__}")
    if not isinstance(freezing, bool):
        raise TypeError(f"fastconv.torch.convert: freezing must be True or False, got {freezing!r}")
    signature = None if example_inputs is None else signature_of(example_inputs)
    converted = copy.deepcopy(module).eval()
    for part in converted.modules():
        if type(part).__module__.startswith("torch.nn.modules.") and type(part).__name__ in layers.NAMES:
            part.__class__ = getattr(layers, type(part).__name__)
    forward = converted.__dict__["forward"] = _Whole(converted, signature, freezing)
    if example_inputs is not None:
        try:
            forward.export()
        except IndirectError as reason:
            _check_examples(module, example_inputs)
            forward.tell(reason)
    return converted


def _check_examples(module: torch.nn.Module, example_inputs: tuple[Any, ...]) -> None:
    """Raise ValueError where a module does not take its example inputs, which are kept as they are."""
    try:
        with torch.no_grad():
            copy.deepcopy(module).eval()(*_pytree.tree_map(lambda x: x.detach().clone(), example_inputs))
    except Exception as error:  # of every kind: the module's
        raise ValueError(
            "fastconv.torch.convert: example_inputs must be arguments that forward takes, got "
            f"{type(error).__name__}: {error}"
        ) from error


class _Whole:
    """The `forward` of a converted module: its class's own, exported for one signature, compiled for other calls.

    Attributes
    ----------
    compiled_calls : int
        How many calls went through torch.compile.
    """

    def __init__(self, module: torch.nn.Module, signature: Signature | None, freezing: bool) -> None:
        self._module, self._signature, self._freezing = module, signature, freezing
        self._forward = MethodType(type(module).forward, module)
        self._direct: Direct | None = None
        self._compiled: Callable[..., Any] | None = None
        self._has_told = False
        self.compiled_calls = 0

    def __call__(self, *arguments: Any, **more: Any) -> Any:
        if torch.compiler.is_compiling():
            return self._forward(*arguments, **more)
        if torch.is_grad_enabled():
            check_no_gradients(self._module, *_pytree.tree_leaves((arguments, more)))
        if self._signature is not None:
            try:
                return self._call_directly(self._signature, arguments, more)
            except IndirectError as reason:
                self.tell(reason)
        if self._compiled is None:
            self._compiled = torch.compile(self._forward, backend=backend, options={"freezing": self._freezing})
        self.compiled_calls += 1
        return self._compiled(*arguments, **more)

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self._forward)

    @property
    def __code__(self) -> CodeType:  # torch.export reads names in it
        return self._forward.__code__

    def export(self) -> Direct:
        """Make the program of the signature, or raise IndirectError; then no call asks for it again."""
        with _exporting:
            if self._signature is None:
                raise IndirectError("torch.export does not follow it")  # as another thread saw
            try:
                self._direct = self._direct or Direct(self._module, self._signature, self._freezing)
            except IndirectError:
                self._signature = None
                raise
            gc.collect()  # torch.export leaves circles with the parameters in them, which may be replaced
            return self._direct

    def tell(self, reason: IndirectError) -> None:
        """Log why torch.compile is called, once."""
        if not self._has_told:
            name = type(self._module).__name__
            _logger.warning("fastconv.torch.convert: %s is called through torch.compile: %s", name, reason)
        self._has_told = True

    def _call_directly(self, signature: Signature, arguments: tuple[Any, ...], more: Mapping[str, Any]) -> Any:
        tensors = signature.tensors(arguments, more)
        if self._module.training:
            raise IndirectError("it must be in eval mode, got training mode")
        if torch.is_autocast_enabled("cpu") or torch.jit.is_tracing():
            raise IndirectError("a call must not be under autocast or torch.jit.trace")
        direct = self._direct or self.export()  # a copy has none yet
        return direct(tensors)

    def __getstate__(self) -> dict[str, Any]:
        return {"_module": self._module, "_signature": self._signature, "_freezing": self._freezing}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["_module"], state["_signature"], state["_freezing"])  # type: ignore[misc]
