"""The bar of whatever measures moves with every measured block, from case to case."""

from __future__ import annotations

import contextlib
import importlib.util

import pytest
from rich.progress import Progress

from fastconv.cli import main
from fastconv.cli import progress as module


def test_the_bar(monkeypatch):
    bars = []

    class Recorded(Progress):
        def __init__(self, *arguments, **more):
            super().__init__(*arguments, **more)
            bars.append(self)

    monkeypatch.setattr(module, "Progress", Recorded)
    seen = []
    with module.progress(2) as begin:
        (task,) = bars[0].tasks
        for name, blocks in (("a", 4), ("b", 2)):
            tick = begin(name)
            seen.append((task.description, task.completed))
            for _ in range(blocks // 2 if name == "a" else blocks):  # half of the first one's are spared
                tick(blocks)
                seen.append(task.completed)
    assert seen == [("a", 0), 0.25, 0.5, ("b", 1), 1.5, 2]
    assert task.total == 2


COMMANDS = {
    "bench model lenet5 --engines onnxruntime": ["lenet5"],
    "bench conv 1x4x6x6:4:3 1x4x7x7:4:3 --engines onnxruntime": ["1x4x6x6:4:3", "1x4x7x7:4:3"],
    "bench layers 1x8x6x6:8:3": ["1x8x6x6:8:3"],
    "bench overhead": ["calls", *(["many parameters"] if importlib.util.find_spec("torch") else [])],
    "bench threads lenet5": ["lenet5"],
    "bench session lenet5": ["lenet5"],
    "bench roofline lenet5": ["the machine's ceilings", "lenet5"],
    "profile lenet5": ["the machine's ceilings", "lenet5, layer by layer"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_block_moves_it(command, monkeypatch):
    """What all blocks of a case move is one case, in at least two steps."""
    moved: dict[str, list[float]] = {}

    @contextlib.contextmanager
    def recorded(cases):
        assert cases == len(COMMANDS[command])

        def begin(name):
            steps = moved.setdefault(name, [])
            return lambda blocks: steps.append(1 / blocks)

        yield begin

    monkeypatch.setattr(module, "progress", recorded)
    rounds = "--runs" if command.startswith("profile") else "--rounds"
    assert main([*command.split(), rounds, "2"]) == 0
    assert list(moved) == COMMANDS[command]
    for name, steps in moved.items():
        assert sum(steps) == pytest.approx(1), name
        assert len(steps) >= 2, name


def test_a_choice_moves_half_where_it_is_measured_once(monkeypatch):
    steps: list[float] = []
    monkeypatch.setattr(
        module,
        "progress",
        contextlib.contextmanager(lambda cases: iter([lambda name: lambda blocks: steps.append(1 / blocks)])),
    )
    assert main(["bench", "choice", "1x16x8x8:16:3", "--rounds", "2"]) == 0
    assert sum(steps) in (pytest.approx(0.5), pytest.approx(1))
