"""What the tests of operators share as fixtures."""

import pytest

from fastconv import _core


@pytest.fixture(params=_core.available_isas())
def isa(request):
    """Every instruction set of this machine in turn."""
    before = _core.isa()
    _core.set_isa(request.param)
    yield request.param
    _core.set_isa(before)


@pytest.fixture
def threads():
    """A function that sets the number of threads; what it was comes back afterwards."""
    before = _core.num_threads()
    yield _core.set_num_threads
    _core.set_num_threads(before)
