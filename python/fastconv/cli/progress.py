"""The bar while something is measured: it moves with every measured block, on stderr, where that is a terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TypeAlias

from rich.console import Console
from rich.progress import Progress

Tick: TypeAlias = Callable[[int], object]  # called after each of a case's blocks with the number of them all


@contextlib.contextmanager
def progress(cases: int) -> Iterator[Callable[[str], Tick]]:
    """Show a bar over a number of cases.

    The function given is called with the name of each case when it begins, and returns what is called after each of its
    blocks. A case is done when the next one begins, whatever number of blocks it had.
    """
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("measuring", total=cases)
        begun = 0

        def begin(name: str) -> Tick:
            nonlocal begun
            bar.update(task, description=name, completed=begun)
            begun += 1
            return lambda blocks: bar.advance(task, 1 / blocks)

        yield begin
