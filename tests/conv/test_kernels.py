"""Every kernel that a convolution can take was taken by the sweep, on every instruction set of the machine."""

import fastconv as fc
from tests.conftest import MACHINE_ISAS

FAMILIES = {"gemm", "depthwise", "winograd", "quantize"}


def test_every_row_ran(sweep, worker_runs):
    rows = [row for row in fc.kernels() if row["family"] in FAMILIES and row["isa"] in MACHINE_ISAS]
    assert {row["family"] for row in rows} == FAMILIES
    assert not [row["name"] for row in rows if worker_runs[row["name"]] == 0]


def test_a_worker_runs_no_kernel_above_its_isa(sweep):
    isa_of = {row["name"]: row["isa"] for row in fc.kernels()}
    for i, isa in enumerate(MACHINE_ISAS):
        higher = [n for n, runs in sweep[isa].runs.items() if runs and isa_of[n] in MACHINE_ISAS[i + 1 :]]
        assert not higher, f"with FASTCONV_ISA={isa}"


def test_names_are_unique_and_tell_the_isa():
    rows = fc.kernels()
    assert len({row["name"] for row in rows}) == len(rows)
    for row in rows:
        assert row["name"].endswith("__" + row["isa"])
