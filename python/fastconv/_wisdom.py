"""Wisdom: the file in the user's cache folder that keeps which algorithm was fastest for which convolution.

`fastconv.tuning` measures and calls `remember`; each network asks `known` when it is made. The file is JSON that can be
read and edited: a section for each version of fastconv and kind of processor, in it an entry for each convolution.
A process reads it once, so that what other processes measure meanwhile changes no result of this one.

Modules that only a network or a measurement needs are imported there: ``import fastconv`` does not wait for them.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

from fastconv import _core

if TYPE_CHECKING:
    from logging import Logger
    from pathlib import Path

# {"winograd4": 0.41, "direct": 1.2}: milliseconds of every algorithm that was measured; the fastest comes first.
Times: TypeAlias = "dict[str, float]"
Sections: TypeAlias = "dict[str, dict[str, Times]]"

_ABOUT = "Milliseconds that fastconv measured; the first of each line is taken. Delete lines, or the file, to forget."

_lock = threading.Lock()
_seen: tuple[Path | None, Sections] | None = None  # what this process goes by, and the file it is from


def path() -> Path | None:
    """Return where the file is: ``fastconv/wisdom.json`` in the user's cache folder; None where there is none.

    The folder is ``$XDG_CACHE_HOME`` where that is set, else ``~/Library/Caches`` on macOS and ``~/.cache`` elsewhere.
    """
    from pathlib import Path

    folder = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(folder):
        return Path(folder, "fastconv", "wisdom.json")
    try:
        home = Path.home()
    except RuntimeError:  # a user without a home
        return None
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "fastconv" / "wisdom.json"


def section() -> str:
    """Return what measurements hold for: version, instruction set in use, features and caches of the processor."""
    cpu = _core.cpu_info()
    caches = "+".join(f"{cpu[f'{level}_bytes'] >> 10}K" for level in ("l1d", "l2", "l3"))
    return f"fastconv {_core.version()}, {cpu['isa']} of {' '.join(cpu['features'])}, caches {caches}"


def known(precision: str) -> dict[str, str]:
    """Return the fastest algorithm of each convolution measured with this error budget, for `_core.Network`."""
    global _seen
    where = path()
    with _lock:
        if _seen is None or _seen[0] != where:
            _seen = where, _read(where)
        entries = _seen[1].get(section(), {})
    ending = f" {precision}"
    return {key.removesuffix(ending): next(iter(times)) for key, times in entries.items() if key.endswith(ending)}


def remember(precision: str, measured: Mapping[str, Times]) -> None:
    """Add measurements to what this process goes by, and to the file, where that can be written.

    Parameters
    ----------
    precision : str
        The error budget they were made with.
    measured : mapping of str to dict
        By convolution: the times, the one to take first.
    """
    global _seen
    new = {section(): {f"{key} {precision}": dict(times) for key, times in measured.items()}}
    where = path()
    with _lock:
        _seen = where, _merged(_seen[1] if _seen and _seen[0] == where else _read(where), new)
        if where is None:
            return
        try:
            where.parent.mkdir(parents=True, exist_ok=True)
            with _exclusive(where.with_suffix(".lock")):
                _replace(where, _merged(_read(where, quietly=True), new))
        except OSError as error:
            _logger().warning("wisdom: what was measured is kept for this process only: %s", error)


def _read(where: Path | None, quietly: bool = False) -> Sections:
    """Read the file: nothing where there is none, and nothing, which is logged, where it is not one of ours."""
    if where is None:
        return {}
    try:
        sections = json.loads(where.read_text(encoding="utf-8"))["measured"]
        for entries in sections.values():
            for times in entries.values():
                if not times or any(type(ms) not in (int, float) for ms in times.values()):
                    raise ValueError(f"times must be numbers by algorithm, got {times}")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        log = _logger().debug if quietly else _logger().warning
        log("wisdom: %s is passed over: %s: %s", where, type(error).__name__, error)
        return {}
    result: Sections = sections
    return result


def _logger() -> Logger:
    import logging

    return logging.getLogger("fastconv")


def _merged(old: Sections, new: Sections) -> Sections:
    return {**old, **{name: {**old.get(name, {}), **entries} for name, entries in new.items()}}


def _replace(where: Path, sections: Sections) -> None:
    """Write the file anew; readers find the old one or the new one, never a part."""
    import tempfile

    handle, temporary = tempfile.mkstemp(prefix=where.name, dir=where.parent)
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(_text(sections))
        os.replace(temporary, where)
    except BaseException:
        os.unlink(temporary)
        raise


def _text(sections: Sections) -> str:
    """Return JSON with a line for each convolution."""
    parts = []
    for name, entries in sorted(sections.items()):
        lines = [f"   {json.dumps(key)}: {json.dumps(times)}" for key, times in sorted(entries.items())]
        parts.append(f"  {json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n  }")
    return f'{{\n "about": {json.dumps(_ABOUT)},\n "measured": {{\n' + ",\n".join(parts) + "\n }\n}\n"


@contextlib.contextmanager
def _exclusive(lock: Path) -> Iterator[None]:
    """Wait until no other process writes. The lock file stays: who deleted it would let two in at a time."""
    import fcntl

    with open(lock, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # released when the file is closed, by whatever end
        yield
