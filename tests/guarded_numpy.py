"""Puts the memory of every new NumPy array against an unreadable page, at its end or its beginning.

Whoever reads or writes one byte too many on that side dies by a segmentation fault; pytest then names the test. New
memory is filled with ones: NaN as a float, so that an output cell nobody wrote shows. Start reading at `guarded`.
"""

import atexit
import ctypes
import mmap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np

_PAGE = mmap.PAGESIZE
_SET_HANDLER = 304  # PyDataMem_SetHandler's place in NumPy's table of C functions, the same since NumPy 1.22

_Malloc = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
_Calloc = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t)
_Realloc = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
_Free = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


class _Handler(ctypes.Structure):
    """NumPy's PyDataMem_Handler."""

    _fields_ = [
        ("name", ctypes.c_char * 127),
        ("version", ctypes.c_uint8),
        ("context", ctypes.c_void_p),
        ("malloc", _Malloc),
        ("calloc", _Calloc),
        ("realloc", _Realloc),
        ("free", _Free),
    ]


class _Guard:
    """The allocator. No method may make a NumPy array, nor raise: C code calls them."""

    def __init__(self, at_end: bool) -> None:
        self.at_end = at_end
        self.blocks: dict[int, tuple[int, int, int]] = {}  # address: its size, its pages' address, their size

    def malloc(self, context: int | None, size: int, fill: int = 0xFF) -> int | None:
        inner = -(-max(size, 1) // _PAGE) * _PAGE
        everything = mmap.PROT_READ | mmap.PROT_WRITE
        pages = _libc.mmap(None, inner + 2 * _PAGE, everything, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
        if pages == ctypes.c_void_p(-1).value:
            return None
        begin = pages + _PAGE
        if _libc.mprotect(pages, _PAGE, 0) != 0 or _libc.mprotect(begin + inner, _PAGE, 0) != 0:
            return None
        address = begin + inner - size if self.at_end else begin
        ctypes.memset(begin, fill, inner)
        self.blocks[address] = size, pages, inner + 2 * _PAGE
        return address

    def calloc(self, context: int | None, count: int, size: int) -> int | None:
        return self.malloc(context, count * size, fill=0)

    def realloc(self, context: int | None, old: int | None, size: int) -> int | None:
        new = self.malloc(context, size)
        if new is not None and old is not None:
            ctypes.memmove(new, old, min(size, self.blocks[old][0]))
            self.free(context, old, 0)
        return new

    def free(self, context: int | None, address: int | None, size: int) -> None:
        if address is not None:
            _libc.munmap(*self.blocks.pop(address)[1:])


def _prototype(function: str, result: object, *arguments: object) -> Callable:
    """A function of Python's C interface."""
    return ctypes.PYFUNCTYPE(result, *arguments)((function, ctypes.pythonapi))


def _set_handler() -> Callable[[object], object]:
    """PyDataMem_SetHandler: takes the new handler, gives the one before, both as capsules."""
    core = getattr(np, "_core", None) or np.core
    pointer_of = _prototype("PyCapsule_GetPointer", ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
    table = ctypes.cast(pointer_of(core._multiarray_umath._ARRAY_API, None), ctypes.POINTER(ctypes.c_void_p))
    return ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(table[_SET_HANDLER])


@cache
def _handler(at_end: bool) -> tuple[object, ...]:
    """NumPy's capsule of a handler, and what it points to, which the cache keeps alive as long as the process."""
    guard = _Guard(at_end)
    functions = _Malloc(guard.malloc), _Calloc(guard.calloc), _Realloc(guard.realloc), _Free(guard.free)
    handler = _Handler(b"guarded", 1, None, *functions)
    # At the interpreter's end arrays outlive these functions: what they hold is then left to the system.
    harmless = ctypes.cast(_libc.getpid, _Free)
    atexit.register(setattr, handler, "free", harmless)
    new = _prototype("PyCapsule_New", ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
    return new(ctypes.addressof(handler), b"mem_handler", None), handler, functions


@contextmanager
def guarded(at_end: bool) -> Iterator[None]:
    """While this holds, every new array is guarded; it stays so."""
    set_handler = _set_handler()
    before = set_handler(_handler(at_end)[0])
    try:
        yield
    finally:
        set_handler(before)
