"""Every test here has a cache folder of its own, and starts as a new process would: without having read it."""

import pytest

from fastconv import _wisdom


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The file that wisdom is kept in; there is none yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    forget_what_was_read(monkeypatch)
    return _wisdom.path()


@pytest.fixture
def new_process(monkeypatch):
    """A function after which the file is read anew."""
    return lambda: forget_what_was_read(monkeypatch)


def forget_what_was_read(monkeypatch):
    monkeypatch.setattr(_wisdom, "_seen", None)
