"""What tap-GEMM multiplies is in registers: left on the stack it halves the speed, and no result tells.

Held for the instruction set whose registers suffice for every tile size, in what the compiler at hand makes of it.
"""

import re
import shlex

import pytest

from tests.house.test_layers import ROOT
from tests.toolchain import run

SUMS = re.compile(r"\bvfn?m(add|sub)[0-9]+ps\b")
FROM_STACK = re.compile(r"\bvfn?m(add|sub)[0-9]+ps\b.*\(%r[sb]p")


@pytest.fixture(scope="module")
def assembly(compile_commands, tmp_path_factory) -> list[str]:
    entry = compile_commands.get(ROOT / "src/kernels/gemm/avx512.cc")
    if entry is None:
        pytest.skip("this processor family has no AVX-512")
    command = shlex.split(entry["command"])
    out = tmp_path_factory.mktemp("assembly") / "avx512.s"
    command[command.index("-o") + 1] = str(out)
    run(*command, "-w", "-S", cwd=entry["directory"])
    return out.read_text().splitlines()


def test_sums_read_no_stack(assembly):
    assert sum(1 for line in assembly if SUMS.search(line)) > 500, "the tiles' multiply-adds were not found"
    assert [line.strip() for line in assembly if FROM_STACK.search(line)] == []
