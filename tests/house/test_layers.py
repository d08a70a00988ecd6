"""The house's floor plan, read from the sources: who may include whom, and which names stay behind which door."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
LAYERS = ("base", "simd", "kernels", "conv", "graph", "api", "python")  # a file includes its own layer and those before
SOURCES = sorted(p for p in SRC.rglob("*") if p.suffix in {".h", ".cc", ".cpp", ".inc"})
ISA_FILES = [p for p in SOURCES if p.suffix == ".cc" and p.stem in {"scalar", "avx2", "avx512", "avx512bf16", "amx"}]

# Headers without code of their own: an ISA file may include no others of the standard library.
PLAIN_HEADERS = {"cstdint", "cstddef", "cstring", "cmath", "cfloat", "climits", "immintrin.h"}


def layer_of(path: Path) -> str:
    return path.relative_to(SRC).parts[0]


def includes(path: Path) -> list[str]:
    return re.findall(r'^\s*#\s*include\s+["<]([^">]+)[">]', path.read_text(), re.MULTILINE)


def code(path: Path) -> str:
    """The text without its comments."""
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_includes_point_downwards(path):
    own = LAYERS.index(layer_of(path))
    for header in includes(path):
        top = header.split("/")[0]
        if top in LAYERS:
            assert LAYERS.index(top) <= own, f"{name_of(path)} includes {header}, which is above it"
        elif top == "fastconv":
            assert own >= LAYERS.index("api"), f"{name_of(path)} includes the public {header}, which is above it"


def outside(door: Path | str) -> list[Path]:
    return [p for p in SOURCES if not p.is_relative_to(SRC / door)]


@pytest.mark.parametrize(
    ("what", "pattern", "paths"),
    [
        ("pybind11 outside src/python", r"pybind11|PYBIND11", outside("python")),
        ("OpenMP outside base/openmp.cc", r"\bomp\b|omp_|<omp\.h>|GOMP", outside("base/openmp.cc")),
        ("an instruction set in conv/", r"(?i)avx|sse[234]?\b|amx|neon|immintrin", [*SRC.glob("conv/**/*.*")]),
        ("an instruction set in graph/", r"(?i)avx|sse[234]?\b|amx|neon|immintrin", [*SRC.glob("graph/**/*.*")]),
        ("an algorithm in graph/", r"(?i)winograd|im2col|col2im", [*SRC.glob("graph/**/*.*")]),
        ("a convolution in kernels/", r"(?i)conv/|ConvProblem", [*SRC.glob("kernels/**/*.*")]),
    ],
    ids=lambda value: value.replace(" ", "_") if isinstance(value, str) and " " in value else "",
)
def test_names_stay_behind_their_door(what, pattern, paths):
    found = [f"{name_of(p)}: {m.group()}" for p in paths if p.is_file() for m in re.finditer(pattern, code(p))]
    assert not found, f"{what}: {found}"


@pytest.mark.parametrize("path", ISA_FILES, ids=name_of)
def test_isa_files_include_no_templates(path):
    standard = {h for h in includes(path) if "/" not in h and not (path.parent / h).exists()}
    assert standard <= PLAIN_HEADERS, f"{name_of(path)} includes {sorted(standard - PLAIN_HEADERS)}"
