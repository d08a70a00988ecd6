"""What tap-GEMM multiplies is in registers: left on the stack it halves the speed, and no result tells.

Held for the instruction set whose registers suffice for every tile size, in what the compiler at hand makes of it.
"""

import re
import shlex

import pytest

from tests.house.test_layers import ROOT
from tests.toolchain import run

SUMS = re.compile(r"\b(vfn?m(add|sub)[0-9]+ps|vdpbf16ps)\b")
FROM_STACK = re.compile(SUMS.pattern + r".*\(%r[sb]p")


@pytest.fixture(scope="module", params=("avx512", "avx512bf16"))
def assembly(request, compile_commands, tmp_path_factory) -> list[str]:
    entry = compile_commands.get(ROOT / f"src/kernels/gemm/{request.param}.cc")
    if entry is None:
        pytest.skip("this processor family has no AVX-512")
    command = shlex.split(entry["command"])
    out = tmp_path_factory.mktemp("assembly") / "kernels.s"
    command[command.index("-o") + 1] = str(out)
    run(*command, "-w", "-S", cwd=entry["directory"])
    return out.read_text().splitlines()


def test_sums_read_no_stack(assembly):
    assert sum(1 for line in assembly if SUMS.search(line)) > 500, "the tiles' multiply-adds were not found"
    assert [line.strip() for line in assembly if FROM_STACK.search(line)] == []
