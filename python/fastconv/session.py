"""`InferenceSession`: a model file ready to run, under ONNX Runtime's names, argument order and errors.

A session is a list of steps (see `fastconv.onnx.partition`): native segments, which are networks of the C++ core, and
fallback nodes. A model of native operators only is one segment, and `run` is one call into the core. TensorFlow Lite
models and those of torch.export always are.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fastconv import _core, _wisdom
from fastconv._frontends import Runner, frontend
from fastconv._ort.describe import ModelMetadata, NodeArg
from fastconv._ort.errors import Fail, InvalidArgument
from fastconv._ort.feed import PROVIDERS, Expected, chosen_providers
from fastconv._ort.options import RunOptions, SessionOptions
from fastconv._ort.profile import Trace
from fastconv._ort.values import IOBinding, OrtValue
from fastconv._precision import check as check_precision
from fastconv._precision import get_precision

if TYPE_CHECKING:
    from fastconv.onnx.loader import Source


class InferenceSession:
    """An ONNX, TensorFlow Lite or torch.export model ready to run.

    Parameters
    ----------
    path_or_bytes : str, path, bytes, onnx.ModelProto or torch.export.ExportedProgram
        The model. Weights in other files are read only from the folder of a model given by its path. TensorFlow Lite
        models (known by their first bytes, or the name's ending ``.tflite``) must be of floats; their inputs and
        outputs have the names, the axes and the order that the file gives them. What torch.export.save writes is known
        by the name's ending ``.pt2``, and read by torch, which may run code that such a file holds: load only those
        whose maker you trust. Its inputs are called as the arguments of ``forward``, its outputs "output", or by the
        keys and places of a dict, list or tuple.
    sess_options : SessionOptions, optional
    providers : sequence of str or (str, dict), optional
        Accepted for ONNX Runtime's sake; everything runs on the CPU. An unknown name gives a warning.
    provider_options : sequence of dict, optional

    Attributes
    ----------
    fallbacks : dict of str to int
        The operators that every run computes through onnx's reference implementation, because fastconv has no native
        one for them or for their data types: the number of such nodes by operator. Empty where all is native.

    Raises
    ------
    NoSuchFile, InvalidProtobuf, InvalidGraph, InvalidArgument, NotImplemented
        `fastconv.onnxruntime.capi.onnxruntime_pybind11_state`; what the model does wrong, by node and value.
    ImportError
        Where the package that reads such a model is not installed.

    Notes
    -----
    Runs may happen in many threads at once. A session pickles as its model's bytes and options.
    """

    def __init__(
        self,
        path_or_bytes: Source,
        sess_options: SessionOptions | None = None,
        providers: Sequence[Any] | None = None,
        provider_options: Sequence[Mapping[str, Any]] | None = None,
        **kwargs: Any,
    ):
        if sess_options is not None and not isinstance(sess_options, SessionOptions):
            raise TypeError(f"sess_options: must be a SessionOptions, got {type(sess_options).__name__}")
        self.source = path_or_bytes
        self._options = sess_options or SessionOptions()
        self._provider_options = chosen_providers(providers, provider_options)
        self._trace = Trace() if self._options.enable_profiling else None
        began = time.perf_counter_ns()
        self._load()
        if self._trace:
            self._trace.add("Session", "session_initialization", began, time.perf_counter_ns() - began)

    def _load(self) -> None:
        package = frontend(self.source)
        model = package.load(self.source)
        self._inputs, self._outputs, self._meta = package.describe(model)
        self._expected = {arg.name: Expected(arg) for arg in self._inputs}
        entries = self._options._entries
        precision = check_precision(entries.get("fastconv.precision") or get_precision(), "fastconv.precision")
        if (measured := entries.get("fastconv.wisdom", "1")) not in ("0", "1"):
            raise ValueError(f"fastconv.wisdom: must be '0' or '1', got {measured!r}")
        algorithms = _wisdom.known(precision) if measured == "1" else {}
        options = {"precision": precision, "algorithms": algorithms}
        self._runner: Runner = package.Runner(model, options, self._options._free_dimensions)
        del model  # and with it the weights, which are the networks' alone now
        with _ThreadLimit(self._options.intra_op_num_threads):
            self._runner.prepare()
        self.fallbacks: dict[str, int] = dict(self._runner.fallbacks)
        if self._options.log_severity_level <= 2 and self._runner.reasons:
            import logging  # here and not above: it would be a tenth of what `import fastconv` adds to NumPy's time

            logger = logging.getLogger("fastconv")
            for op_type, reason in self._runner.reasons.items():
                logger.warning("%s runs through onnx's reference implementation: %s", op_type, reason)

    # --- running ------------------------------------------------------------------------------------------------

    def run(
        self,
        output_names: Sequence[str] | None,
        input_feed: Mapping[str, Any],
        run_options: RunOptions | None = None,
    ) -> list[Any]:
        """Compute outputs.

        Parameters
        ----------
        output_names : sequence of str or None
            The outputs wanted, in this order; None or empty: all.
        input_feed : mapping of str to array
            A value for each input: a NumPy array (never written to), an `OrtValue`, or nested lists.
        run_options : RunOptions, optional

        Returns
        -------
        list of numpy.ndarray
            Lists of arrays in the place of sequences.

        Raises
        ------
        ValueError
            For a missing input.
        InvalidArgument
            For an unknown name, or an input of the wrong rank, extent or data type.
        """
        feed = self._check_feed(input_feed)
        names = list(output_names) if output_names else self._runner.output_names
        for name in names:
            if name not in self._runner.output_names:
                raise InvalidArgument.of(f"Invalid output name:{name}")
        began = time.perf_counter_ns()
        with _ThreadLimit(self._options.intra_op_num_threads):
            results = self._runner.run(names, feed, self._trace, lambda: _check_terminate(run_options))
        if self._trace:
            self._trace.add("Session", "model_run", began, time.perf_counter_ns() - began)
        return results

    def _check_feed(self, input_feed: Mapping[str, Any]) -> dict[str, Any]:
        missing = [name for name in self._expected if name not in input_feed]
        if missing:
            raise ValueError(f"Required inputs ({missing}) are missing from input feed ({list(input_feed.keys())}).")
        for name in input_feed:
            if name not in self._expected:
                raise InvalidArgument.of(f"Invalid input name: {name}")
        return {name: expected.check(input_feed[name]) for name, expected in self._expected.items()}

    def run_with_ort_values(
        self, output_names: Sequence[str] | None, input_dict_ort_values: Mapping[str, OrtValue], run_options: Any = None
    ) -> list[OrtValue]:
        """Compute outputs from and to `OrtValue`."""
        return [OrtValue(result) for result in self.run(output_names, input_dict_ort_values, run_options)]

    def io_binding(self) -> IOBinding:
        """Return an `IOBinding` of this session."""
        return IOBinding(self)

    def run_with_iobinding(self, iobinding: IOBinding, run_options: RunOptions | None = None) -> None:
        """Compute what is bound."""
        iobinding.run(run_options)

    # --- describing ---------------------------------------------------------------------------------------------

    def get_inputs(self) -> list[NodeArg]:
        """Return the inputs' names, shapes and types."""
        return list(self._inputs)

    def get_outputs(self) -> list[NodeArg]:
        """Return the outputs' names, shapes and types."""
        return list(self._outputs)

    def get_overridable_initializers(self) -> list[NodeArg]:
        """Return the initializers that a feed may replace: none, weights are packed when the session is made."""
        return []

    def get_modelmeta(self) -> ModelMetadata:
        """Return the model's description of itself."""
        return self._meta

    def get_providers(self) -> list[str]:
        """Return the execution providers in use."""
        return list(PROVIDERS)

    def get_provider_options(self) -> dict[str, dict[str, str]]:
        """Return the options given with each provider in use."""
        return {name: dict(options) for name, options in self._provider_options.items()}

    def get_session_options(self) -> SessionOptions:
        """Return the options the session was made with."""
        return self._options

    def set_providers(self, providers: Any = None, provider_options: Any = None) -> None:
        """Accept providers; everything keeps running on the CPU."""
        self._provider_options = chosen_providers(providers, provider_options)

    def disable_fallback(self) -> None:
        """Do nothing: there is one provider to fall back to."""

    def enable_fallback(self) -> None:
        """Do nothing: there is one provider to fall back to."""

    # --- profiling ----------------------------------------------------------------------------------------------

    def profile(self, input_feed: Mapping[str, Any], runs: int = 10) -> list[dict[str, Any]]:
        """Time every operator on an input; ONNX Runtime has no such call.

        Returns
        -------
        list of dict
            A row for each operator in running order: name, op, algorithm, ms (median of `runs`), flops, bytes, shape.
        """
        feed = self._check_feed(input_feed)
        with _ThreadLimit(self._options.intra_op_num_threads):
            return self._runner.profile(feed, runs)

    def end_profiling(self) -> str:
        """Write the trace of all runs so far as Chrome trace JSON and return its file name ("" without profiling)."""
        trace, self._trace = self._trace, None
        return trace.write(self._options.profile_file_prefix) if trace else ""

    def get_profiling_start_time_ns(self) -> int:
        """Return when the trace began, 0 without profiling."""
        return self._trace.start_ns if self._trace else 0

    # --- pickling -----------------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        return {
            "model": frontend(self.source).self_contained(self.source),
            "options": self._options,
            "provider_options": self._provider_options,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["model"], state["options"])  # type: ignore[misc]
        self._provider_options = state["provider_options"]


class _ThreadLimit:
    """Use at most `count` threads for what this thread runs inside; 0: as many as the process uses."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __enter__(self) -> None:
        self._before = _core.limit_threads(self._count) if self._count > 0 else 0

    def __exit__(self, *_: object) -> None:
        if self._count > 0:
            _core.limit_threads(self._before)


def _check_terminate(run_options: RunOptions | None) -> None:
    if run_options is not None and run_options.terminate:
        raise Fail.of("Exiting due to terminate flag being set to true.")
