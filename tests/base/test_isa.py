"""The choice of an instruction set, and AMX's place in a process: its permission, threads, children, other libraries.

On a processor without AMX the tests of processes hold for the best instruction set that is there.
"""

import ctypes
import logging
import sys
from pathlib import Path

import numpy as np
import pytest

import fastconv as fc
from fastconv import _config, _core
from tests.toolchain import run, tool

ROOT = Path(__file__).parents[2]
FEATURES = set(fc.cpu_info()["features"])
HAS_AMX = {"amx_tile", "amx_bf16", "avx512bf16"} <= FEATURES

# Code that makes the kernel answer a wish for AMX's tiles by "not permitted", in this process and what it becomes.
SECCOMP = """
import ctypes, struct
libc = ctypes.CDLL(None, use_errno=True)
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
NUMBER, FIRST_ARGUMENT, ARCH_PRCTL, REQUEST, ALLOW, NOT_PERMITTED = 0, 16, 158, 0x1023, 0x7FFF0000, 0x00050001
program = b"".join(struct.pack("HBBI", *line) for line in (
    (LOAD, 0, 0, NUMBER), (JUMP_IF_EQUAL, 0, 3, ARCH_PRCTL),
    (LOAD, 0, 0, FIRST_ARGUMENT), (JUMP_IF_EQUAL, 0, 1, REQUEST),
    (RETURN, 0, 0, NOT_PERMITTED), (RETURN, 0, 0, ALLOW)))
code = ctypes.create_string_buffer(program, len(program))
filter = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(code)))
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
assert libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter, 0, 0) == 0, ctypes.get_errno()
"""

# A thread that waits beside the others, with a signal stack too small for tiles.
SMALL_SIGNAL_STACK = """
import ctypes, struct, threading
libc = ctypes.CDLL(None, use_errno=True)
stack = ctypes.create_string_buffer(1 << 13)
ready, over = threading.Event(), threading.Event()
def wait():
    described = struct.pack("QixxxxQ", ctypes.addressof(stack), 0, len(stack))
    assert libc.sigaltstack(described, None) == 0, ctypes.get_errno()
    ready.set()
    over.wait()
threading.Thread(target=wait, daemon=True).start()
ready.wait()
"""

CONVOLUTION = """
import hashlib, os, subprocess, sys, threading
import numpy as np
rng = np.random.default_rng(0)
x, weight = (rng.standard_normal(size).astype(np.float32) for size in ((2, 40, 19, 19), (48, 40, 3, 3)))
def answer():
    import fastconv as fc
    fc.set_num_threads(2)
    y = fc.conv2d(x, weight, padding=1, algorithm="direct_bf16", precision="medium")
    return hashlib.sha256(y.tobytes()).hexdigest()
"""


def told(code: str) -> str:
    """What a new process prints that runs `code`."""
    return run(sys.executable, "-c", code, cwd=ROOT, timeout=120).strip()


@pytest.fixture(scope="module")
def program(tmp_path_factory) -> Path:
    """isas.cpp, built."""
    path = tmp_path_factory.mktemp("isas") / "isas"
    sources = sorted((ROOT / "src/base").glob("*.cc"))
    flags = ("-std=c++20", "-O1", "-DFASTCONV_X86=1", f"-I{ROOT / 'src'}")
    run(tool("g++"), *flags, ROOT / "tests/base/isas.cpp", *sources, "-o", path, "-pthread", "-ldl")
    return path


def test_best_of_features(program):
    assert run(program) == "right\n"


def test_the_kernel_is_asked(program):
    assert (run(program, "ask").strip() == "") == ("amx_tile" in FEATURES)
    becomes = f"import os; os.execv({str(program)!r}, ['isas', 'ask'])"
    assert told(SECCOMP + becomes) == "arch_prctl(ARCH_REQ_XCOMP_PERM): Operation not permitted"


@pytest.mark.parametrize("refusal", (SECCOMP, SMALL_SIGNAL_STACK), ids=("seccomp", "signal stack"))
def test_what_is_refused_is_told_and_the_next_one_taken(refusal):
    code = (
        refusal
        + CONVOLUTION
        + "import fastconv as fc\nprint(answer(), fc.cpu_info()['isa'], *fc.cpu_info()['refused_isas'])"
    )
    best = ("avx512bf16", "amx") if HAS_AMX else (fc.cpu_info()["available_isas"][-1],)
    answer, *words = told(code).split()
    assert words == [*best]
    assert answer == told(f"import os; os.environ['FASTCONV_ISA'] = {best[0]!r}" + CONVOLUTION + "print(answer())")


def test_refusals_are_logged_unless_an_isa_is_asked_for(caplog, monkeypatch):
    monkeypatch.setattr(_core, "refused_isas", lambda: {"amx": "arch_prctl: no"})
    monkeypatch.setenv("FASTCONV_ISA", "")
    with caplog.at_level(logging.WARNING, "fastconv"):
        _config.warn_of_refused_isas()
        monkeypatch.setenv("FASTCONV_ISA", "avx2")
        _config.warn_of_refused_isas()
    assert caplog.messages == ["amx is not used, though the processor has it: arch_prctl: no"]


def test_refusals_are_shown(capsys, monkeypatch):
    info = fc.cpu_info() | {"refused_isas": {"amx": "arch_prctl: no"}}
    monkeypatch.setattr(_core, "cpu_info", lambda: info)
    fc.show_config()
    assert "amx refused      arch_prctl: no\n" in capsys.readouterr().out


def test_an_isa_that_is_not_there_is_an_error():
    missing = {"scalar", "avx2", "avx512", "avx512bf16", "amx"} - set(fc.cpu_info()["available_isas"])
    for isa in sorted(missing) or ["neon"]:
        code = f"import os; os.environ['FASTCONV_ISA'] = {isa!r}" + CONVOLUTION
        words = told(code + "\ntry:\n    answer()\nexcept ValueError as error:\n    print(error)")
        assert words.startswith("FASTCONV_ISA: must be one ")
        assert words.endswith(f"got {isa}")


def test_threads_forks_and_programs():
    """Threads from before the library was loaded and after, a forked child, and a new program: the same bits."""
    code = """
load, answers = threading.Event(), []
def old():
    load.wait()
    answers.append(answer())
before = threading.Thread(target=old)
before.start()
answers.append(answer())
load.set()
after = threading.Thread(target=lambda: answers.append(answer()))
after.start()
before.join()
after.join()
child = os.fork()
if child == 0:
    os._exit(answer() != answers[0])
assert os.waitpid(child, 0)[1] == 0, "the child's answer"
if len(sys.argv) == 1:
    answers.append(subprocess.run([sys.executable, "-c", code, "again"], capture_output=True, text=True).stdout.strip())
assert len(set(answers)) == 1, answers
print(answers[0])
"""
    whole = CONVOLUTION + code
    assert len(told(f"code = {whole!r}\n{whole}")) == 64


def test_torch_in_between():
    """Other libraries' tiles and ours, on one thread, in turn: each finds its own answers again."""
    pytest.importorskip("torch")
    code = """
import torch
torch.set_num_threads(1)
images, filters = torch.from_numpy(x).bfloat16(), torch.from_numpy(weight).bfloat16()
def torchs():
    with torch.no_grad():
        y = torch.nn.functional.conv2d(images, filters, padding=1)
        z = torch.nn.functional.linear(images.reshape(-1, 361), torch.ones(64, 361).bfloat16())
    return hashlib.sha256(y.float().numpy().tobytes() + z.float().numpy().tobytes()).hexdigest()
before = torchs()
ours = answer()
print(*sorted({before, ours, torchs(), answer(), answer(), torchs(), torchs(), answer()} - {before, ours}), "same")
"""
    assert told(CONVOLUTION + code) == "same"


def test_no_tile_is_in_use_after_a_run(any_isa, threads, tmp_path):
    """What the processor says is not in its initial state: of AMX, nothing."""
    if "xgetbv1" not in Path("/proc/cpuinfo").read_text():
        assert not HAS_AMX  # no processor without a way to tell has tiles
        return
    source, library = tmp_path / "in_use.cpp", tmp_path / "in_use.so"
    source.write_text(
        'extern "C" unsigned in_use() { unsigned low, high;'
        ' __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(1)); return low; }'
    )
    run(tool("g++"), "-shared", "-fPIC", source, "-o", library)
    in_use = ctypes.CDLL(str(library)).in_use
    threads(1)
    x, weight = np.ones((1, 40, 9, 9), np.float32), np.ones((33, 40, 3, 3), np.float32)
    y = fc.conv2d(x, weight, algorithm="direct_bf16", precision="medium")
    tiles = in_use() & 0x60000
    np.testing.assert_array_equal(y, 360)
    assert tiles == 0
