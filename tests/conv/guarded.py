"""Arrays in memory of their own whose neighbour pages cannot be read or written.

An array begins where the page before ends, or ends where the page after begins: a kernel that touches one byte too
many on that side dies by a segmentation fault. Used by worker.py, in a process of its own.
"""

from __future__ import annotations

import ctypes
import mmap

import numpy as np

_libc = ctypes.CDLL(None, use_errno=True)
_PROT_NONE = 0


def guarded_empty(shape: tuple[int, ...], dtype: np.dtype, at_end: bool) -> np.ndarray:
    """A new array at the end, or the beginning, of pages between two unreadable ones."""
    count = int(np.prod(shape))
    n_bytes = count * np.dtype(dtype).itemsize
    inner = -(-max(n_bytes, 1) // mmap.PAGESIZE) * mmap.PAGESIZE
    pages = mmap.mmap(-1, inner + 2 * mmap.PAGESIZE)
    first = ctypes.addressof(ctypes.c_char.from_buffer(pages))
    for page in (first, first + mmap.PAGESIZE + inner):
        if _libc.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(mmap.PAGESIZE), _PROT_NONE) != 0:
            raise OSError(ctypes.get_errno(), "mprotect failed")
    offset = mmap.PAGESIZE + (inner - n_bytes if at_end else 0)
    return np.frombuffer(pages, dtype, count, offset).reshape(shape)


def guarded(a: np.ndarray, at_end: bool) -> np.ndarray:
    """A copy of `a` in guarded memory."""
    copy = guarded_empty(a.shape, a.dtype, at_end)
    copy[...] = a
    return copy
