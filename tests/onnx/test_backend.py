"""onnx's own conformance tests, every one of them: run, or listed by name with a reason in out_of_scope.txt.

These tests are weak where weights are all ones (see test_operators.py), but they are wide: about 2,000 cases. Beside
the results, the number of cases that run without any fallback is asserted, so that a lost translation is seen.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import ClassVar

import numpy as np
import onnx.backend.test
import pytest

from fastconv.onnx import backend

NATIVE_AT_LEAST = 1016  # of 2013; raise it when an operator or a type becomes native


def read_reasons() -> dict[str, str]:
    """Read out_of_scope.txt: ``name: reason`` a line."""
    reasons = {}
    for line in (Path(__file__).parent / "out_of_scope.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, reason = line.split(": ", 1)
            reasons[name] = reason
    return reasons


class CountingBackend(backend.FastconvBackend):
    """The backend, which remembers the sessions it has made."""

    fallbacks: ClassVar[list[dict[str, int]]] = []

    @classmethod
    def prepare(cls, model, device="CPU", **kwargs):
        rep = super().prepare(model, device, **kwargs)
        cls.fallbacks.append(rep.session.fallbacks)
        return rep


def collect_cases() -> dict[str, type]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # onnx makes its expected values on the way, with overflows
        suites = onnx.backend.test.BackendTest(CountingBackend, __name__).test_cases.values()
    return {
        name: suite for suite in suites for name in dir(suite) if name.startswith("test_") and name.endswith("_cpu")
    }


CASES = collect_cases()
OUT_OF_SCOPE = read_reasons()
ran: dict[str, bool] = {}  # case -> whether it ran natively


@pytest.mark.parametrize("name", sorted(CASES))
def test_case(name):
    if name in OUT_OF_SCOPE:
        pytest.skip(OUT_OF_SCOPE[name])
    CountingBackend.fallbacks.clear()
    with np.errstate(all="ignore"):
        getattr(CASES[name](name), name)()
    assert CountingBackend.fallbacks, "the case ended without making a session"
    ran[name] = not any(CountingBackend.fallbacks)


def test_every_exclusion_is_a_case():
    assert sorted(set(OUT_OF_SCOPE) - set(CASES)) == []


def test_enough_cases_run_natively():
    if len(ran) < len(CASES) - len(OUT_OF_SCOPE):
        pytest.skip("counts only where every case was selected and passed")
    assert sum(ran.values()) >= NATIVE_AT_LEAST
