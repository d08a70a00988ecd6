"""No kernel file leaks code that other files could be linked against.

The linker keeps one copy of an inline function. Were that copy the one an AVX-512 file made, it would be called on
processors that lack AVX-512, and die there. So the objects of ISA files hold no weak symbols at all. (scalar.cc has
no flags of its own: what it leaks runs everywhere.)
"""

import shlex
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.house.test_layers import ISA_FILES, name_of
from tests.toolchain import run, tool


def weak_symbols(entry: dict, out: Path) -> list[str]:
    """Weak symbols of one file, compiled as the build does but for the inlining, which could hide some."""
    command = shlex.split(entry["command"])
    command[command.index("-o") + 1] = str(out)
    run(*command, "-w", "-O1", "-fno-inline", cwd=entry["directory"])
    symbols = (line.split() for line in run(tool("nm"), out).splitlines())
    return [name for *_, kind, name in symbols if kind in "WwVvu"]


@pytest.fixture(scope="module")
def weak(compile_commands, tmp_path_factory):
    entries = {path: e for path, e in compile_commands.items() if path in ISA_FILES and path.stem != "scalar"}
    build = tmp_path_factory.mktemp("objects")
    outs = [build / f"{i}.o" for i in range(len(entries))]
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(entries, pool.map(weak_symbols, entries.values(), outs), strict=True))


def test_isa_objects_hold_no_weak_symbols(weak):
    assert weak, "no kernel file was compiled"
    assert {name_of(path): names for path, names in weak.items() if names} == {}
