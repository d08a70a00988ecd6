"""CMake and a compiler for tests that build something: where they are, and how to call them."""

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

SCRIPTS = sysconfig.get_path("scripts")  # pip's cmake and ninja, also where the environment is not activated


def tool(name: str) -> str:
    """Path of a program, or a skip that names it."""
    path = shutil.which(name, path=SCRIPTS) or shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def run(*command: str | Path, **options) -> str:
    """What a command prints; a failed assertion with all of it where the command fails."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def configure(source: Path, build: Path, *definitions: str) -> None:
    """``cmake -S source -B build -D...`` with ninja."""
    cmake, ninja = tool("cmake"), tool("ninja")
    run(cmake, "-S", source, "-B", build, "-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={ninja}", *definitions)
