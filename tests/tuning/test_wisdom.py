"""The file of measurements: many writers, broken files, other processors and versions, folders not to be written."""

import errno
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fastconv import _core, _wisdom

ENTRY = {"64x8x8:64:3x3:p1x1": {"direct": 0.5, "winograd2": 0.75}}
CHOICE = {"64x8x8:64:3x3:p1x1": "direct"}

WRITER = """
import sys
from fastconv import _wisdom
for i in range(20):
    _wisdom.remember("highest", {f"{sys.argv[1]} {i}": {"direct": i}})
"""


def test_kept_for_the_next_process(cache, new_process):
    assert _wisdom.known("highest") == {}
    _wisdom.remember("highest", ENTRY)
    assert _wisdom.known("highest") == CHOICE
    new_process()
    assert _wisdom.known("highest") == CHOICE
    assert _wisdom.known("high") == {}
    lines = cache.read_text().splitlines()
    assert '   "64x8x8:64:3x3:p1x1 highest": {"direct": 0.5, "winograd2": 0.75}' in lines


def test_concurrent_writers_lose_nothing(cache, new_process):
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(n)]) for n in range(6)]
    while any(writer.poll() is None for writer in writers):
        if cache.exists():
            json.loads(cache.read_text())  # whole at any moment
    assert [writer.returncode for writer in writers] == [0] * 6
    assert _wisdom.known("highest").keys() == {f"{n} {i}" for n in range(6) for i in range(20)}
    assert {path.name for path in cache.parent.iterdir()} == {"wisdom.json", "wisdom.lock"}


def test_a_writer_that_dies_leaves_the_file_whole(cache, monkeypatch):
    _wisdom.remember("highest", ENTRY)
    before = cache.read_bytes()
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        _wisdom.remember("highest", {"another": {"direct": 1}})
    assert cache.read_bytes() == before
    assert {path.name for path in cache.parent.iterdir()} == {"wisdom.json", "wisdom.lock"}


def whole_file() -> bytes:
    return _wisdom._text({_wisdom.section(): {f"{key} highest": times for key, times in ENTRY.items()}}).encode()


BROKEN = {
    "empty": b"",
    "not text": b"\xff\xfe\x00\x81",
    "not JSON": b"{'measured'",
    "a list": b"[]",
    "a number": b"7",
    "no sections": b'{"about": ""}',
    "sections are a list": b'{"measured": [1]}',
    "a section is null": b'{"measured": {"a": null}}',
    "an entry is a name": b'{"measured": {"a": {"b": "direct"}}}',
    "a time is a name": b'{"measured": {"a": {"b": {"direct": "fast"}}}}',
    "no times": b'{"measured": {"a": {"b": {}}}}',
    "nested without end": b"[" * 100_000,
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_broken_files_are_passed_over_and_replaced(content, cache, new_process, caplog):
    cache.parent.mkdir(parents=True)
    cache.write_bytes(content)
    with caplog.at_level(logging.WARNING, "fastconv"):
        assert _wisdom.known("highest") == _wisdom.known("high") == {}
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert str(cache) in caplog.text
        _wisdom.remember("highest", ENTRY)
        assert len(caplog.records) == 1
    new_process()
    assert _wisdom.known("highest") == CHOICE


def test_truncated_files(cache, new_process):
    whole = whole_file()
    cache.parent.mkdir(parents=True)
    for length in range(len(whole)):
        cache.write_bytes(whole[:length])
        new_process()
        complete = not whole[length:].strip()  # nothing but the last line's end is missing
        assert _wisdom.known("highest") == (CHOICE if complete else {})


@pytest.mark.parametrize("what", ["version", "isa", "features", "l2_bytes"])
def test_other_machines_and_versions_are_not_ours(what, cache, new_process, monkeypatch):
    version, cpu = _core.version(), _core.cpu_info()
    with monkeypatch.context() as other:
        if what == "version":
            other.setattr(_core, "version", lambda: version + "1")
        else:
            changed = {"isa": "other", "features": ["other"], "l2_bytes": cpu["l2_bytes"] * 2}[what]
            other.setattr(_core, "cpu_info", lambda: {**cpu, what: changed})
        _wisdom.remember("highest", ENTRY)
        assert _wisdom.known("highest") == CHOICE
    assert _wisdom.known("highest") == {}
    new_process()
    assert _wisdom.known("highest") == {}
    _wisdom.remember("highest", {"ours": {"direct": 1}})
    assert len(json.loads(cache.read_text())["measured"]) == 2  # both are kept


def test_the_instruction_set_in_use_counts(isa, new_process):
    _wisdom.remember("highest", ENTRY)
    before = _wisdom.section()
    others = [name for name in _core.cpu_info()["available_isas"] if name != isa]
    if not others:
        pytest.skip("this machine has one instruction set")
    _core.set_isa(others[0])
    assert _wisdom.section() != before
    assert _wisdom.known("highest") == {}


def test_what_others_write_meanwhile_changes_nothing_here(cache):
    assert _wisdom.known("highest") == {}
    subprocess.run([sys.executable, "-c", WRITER, "x"], check=True)
    assert cache.exists()
    assert _wisdom.known("highest") == {}


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch, caplog):
    occupied = tmp_path / "occupied"
    occupied.write_text("a file where a folder should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(occupied))
    with caplog.at_level(logging.WARNING, "fastconv"):
        _wisdom.remember("highest", ENTRY)
    assert [record.levelname for record in caplog.records][-1:] == ["WARNING"]
    assert "this process only" in caplog.text
    assert _wisdom.known("highest") == CHOICE


def test_a_folder_without_permission(cache, caplog, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)  # what a folder's mode refuses to anyone but root
    with caplog.at_level(logging.WARNING, "fastconv"):
        _wisdom.remember("highest", ENTRY)
    assert "this process only" in caplog.text
    assert not cache.exists()
    assert _wisdom.known("highest") == CHOICE


def test_where_it_lies(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # the specification: to be ignored
    monkeypatch.setattr(Path, "home", lambda: Path("/home/a"))
    monkeypatch.setattr(sys, "platform", "linux")
    assert _wisdom.path() == Path("/home/a/.cache/fastconv/wisdom.json")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert _wisdom.path() == Path("/home/a/Library/Caches/fastconv/wisdom.json")


def test_a_user_without_a_home(monkeypatch):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", no_home)
    assert _wisdom.path() is None
    _wisdom.remember("highest", ENTRY)
    assert _wisdom.known("highest") == CHOICE
