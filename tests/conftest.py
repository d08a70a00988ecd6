"""What all tests share: the machine's instruction sets, and the proof that every kernel ran.

Each row of the kernel table counts its runs. At the end of a session with FASTCONV_EXPECT_ISA=avx512,avx2,scalar the
counts of this process and of the workers it started are added up, and the session fails where a row of one of these
instruction sets never ran, or where there is no such row.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

import fastconv as fc
from fastconv import _core

MACHINE_ISAS: tuple[str, ...] = tuple(fc.cpu_info()["available_isas"])  # lowest first
# Those with rows of their own for float32; the others only multiply narrower numbers.
FLOAT_ISAS = tuple(
    isa for isa in MACHINE_ISAS if any(row["isa"] == isa and "f32__" in row["name"] for row in fc.kernels())
)

_worker_runs: Counter[str] = Counter()


@pytest.fixture(scope="session", autouse=True)
def no_wisdom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache folder of the session's own: what was tuned on this machine has no say in tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def _using(isa: str) -> Iterator[str]:
    before = fc.cpu_info()["isa"]
    _core.set_isa(isa)
    yield isa
    _core.set_isa(before)


@pytest.fixture(params=FLOAT_ISAS)
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    """Every instruction set of this machine that has kernels for float32, in turn."""
    yield from _using(request.param)


@pytest.fixture(params=MACHINE_ISAS)
def any_isa(request: pytest.FixtureRequest) -> Iterator[str]:
    """Every instruction set of this machine in turn."""
    yield from _using(request.param)


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    """A function that sets the number of threads; what it was comes back afterwards."""
    before = fc.get_num_threads()
    yield fc.set_num_threads
    fc.set_num_threads(before)


@pytest.fixture(scope="session")
def worker_runs() -> Counter[str]:
    """Runs of kernels by name, in worker processes: who starts a worker adds what it reports."""
    return _worker_runs


def kernels_not_run(isa: str) -> list[str]:
    """Names of the kernels of `isa` that neither this process nor a worker ran; names `isa` where it has none."""
    rows = [row for row in fc.kernels() if row["isa"] == isa]
    if not rows:
        return [f"no kernel for {isa}"]
    return [row["name"] for row in rows if row["runs"] + _worker_runs[row["name"]] == 0]


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail the session where an expected kernel did not run."""
    missing = _missing()
    if missing and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the kernels that did not run."""
    for isa, names in _missing().items():
        terminalreporter.section(f"FASTCONV_EXPECT_ISA: kernels of {isa} that did not run", red=True)
        terminalreporter.line(" ".join(names))


def _missing() -> dict[str, list[str]]:
    expected = filter(None, os.environ.get("FASTCONV_EXPECT_ISA", "").split(","))
    return {isa: names for isa in expected if (names := kernels_not_run(isa))}
