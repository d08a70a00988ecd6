"""The assembler of src/simd/amx.h is the instructions it names, their operands in their places.

No machine without AMX would notice a product of the wrong tiles, so what the assembler made is read back. The bytes of
one instruction of each kind are held to Intel's manual as well, which neither tool can be wrong about for the other.
"""

import platform
import re

import pytest

from tests.house.test_layers import SRC
from tests.toolchain import run, tool

SOURCE = """
#include "simd/amx.h"
using namespace fastconv::simd;
void all(const void* config, void* p, int64_t stride, float& x) {
  tile_configure(*static_cast<const TileConfig*>(config));
  tile_zero<3>();
  tile_load<6>(p, stride);
  tile_store<2>(p, stride);
  tile_dot_bf16<0, 4, 6>();
  tile_dot_bf16<3, 5, 7>();
  stay_awake(x);
  tile_release();
}
"""
# rdi, rsi, rdx, rcx: config, p, stride, x.
INSTRUCTIONS = [
    ("c4 e2 78 49 07", "ldtilecfg [rdi]"),
    ("c4 e2 7b 49 d8", "tilezero tmm3"),
    ("c4 e2 7b 4b 34 16", "tileloadd tmm6,[rsi+rdx*1]"),
    ("c4 e2 7a 4b 14 16", "tilestored [rsi+rdx*1],tmm2"),
    ("c4 e2 4a 5c c4", "tdpbf16ps tmm0,tmm4,tmm6"),
    ("c4 e2 42 5c dd", "tdpbf16ps tmm3,tmm5,tmm7"),
    ("c4 e2 78 49 c0", "tilerelease"),
]


def disassembled(path) -> list[tuple[str, str]]:
    """Bytes and text of the instructions on tiles."""
    lines = run(tool("objdump"), "-d", "-M", "intel", "--insn-width=16", path).splitlines()
    parts = (re.split(r"\t", line.strip()) for line in lines)
    found = [(part[1].strip(), re.sub(r"\s+", " ", part[2]).strip()) for part in parts if len(part) == 3]
    return [(code, text) for code, text in found if re.match(r"ldtile|tile|tdp", text)]


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="AMX is x86-64's")
def test_wrappers(tmp_path):
    source, out = tmp_path / "all.cc", tmp_path / "all.o"
    source.write_text(SOURCE)
    run(tool("g++"), "-std=c++20", "-O2", "-w", f"-I{SRC}", "-c", source, "-o", out)
    assert disassembled(out) == INSTRUCTIONS
