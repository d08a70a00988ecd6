"""Where the C++ side of the installed package lies, for people who build against it."""

import os


def get_include() -> str:
    """Folder to give to a C++ compiler as ``-I``: it holds ``fastconv/fastconv.h``.

    Raises
    ------
    FileNotFoundError
        Where the package holds no headers, as in a source tree that was never installed.
    """
    return _find("include", "fastconv/fastconv.h")


def get_cmake_dir() -> str:
    """Folder of the CMake package, to give as ``-Dfastconv_DIR=`` for ``find_package(fastconv)``.

    Raises
    ------
    FileNotFoundError
        Where the package holds no CMake package, as in a source tree that was never installed.
    """
    return _find("lib/cmake/fastconv", "fastconv-config.cmake")


def _find(folder: str, witness: str) -> str:
    import fastconv

    for root in fastconv.__path__:  # an editable install has two: the sources and the installed files
        path = os.path.join(root, folder)
        if os.path.isfile(os.path.join(path, witness)):
            return path
    raise FileNotFoundError(f"{folder}/{witness}: must be below one of {list(fastconv.__path__)}; install the package")
