"""The command line: ``fastconv COMMAND``. One file a command, each with ``add(subparsers)`` and ``run(arguments)``."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

# In the order of the help text. A command's module is imported only to build its parser, so it must import cheaply.
COMMANDS = ("info", "run", "bench", "profile", "tune", "demo")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status: 0, or 1 after an error that was printed.

    Parameters
    ----------
    arguments : sequence of str, optional
        The default is the process's command line.
    """
    parser = argparse.ArgumentParser(prog="fastconv", description="Convolutional networks on CPUs, fast.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        module = importlib.import_module(f"fastconv.cli.{name}")
        module.add(commands).set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except (ValueError, TypeError, OSError, RuntimeError, ImportError) as error:
        print(f"fastconv {options.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
