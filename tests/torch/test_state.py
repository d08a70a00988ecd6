"""What tells a segment that its parameters are as they were, with the function in C and without."""

import pytest

torch = pytest.importorskip("torch")

from fastconv import _core  # noqa: E402
from fastconv.torch import state  # noqa: E402


@pytest.fixture(params=["in C", "in Python"])
def state_of(request, monkeypatch):
    if request.param == "in Python":
        monkeypatch.setattr(state, "_data_ptr", None)
    elif state._data_ptr is None:
        pytest.fail("torch has no function of this name: the check of parameters runs in Python")
    return state.state_of


def tensors():
    torch.manual_seed(0)
    return torch.nn.Parameter(torch.randn(2, 3)), torch.randn(4), torch.nn.Parameter(torch.randn(0))


def write(first, second, third):
    with torch.no_grad():
        second.add_(1)
    return first, second, third


def assign_data(first, second, third):
    first.data = first.data.clone()
    return first, second, third


def alias_then_write(first, second, third):
    """The same memory under a counter of its own, which is not where the first one's is."""
    alias = torch.nn.Parameter(first.data)
    with torch.no_grad():
        alias.add_(1).add_(1)
    return alias, second, third


CHANGES = {
    "write": write,
    "data": assign_data,
    "alias": alias_then_write,
    "copy": lambda first, second, third: (first, second.clone(), third),
    "order": lambda first, second, third: (second, first, third),
    "fewer": lambda first, second, third: (first, second),
    "more": lambda first, second, third: (first, second, third, first),
}


def test_the_same_tensors_match(state_of):
    given = tensors()
    matches = state_of(given)
    assert matches(given)
    assert matches(tuple(tensor.detach() for tensor in given))
    assert state_of(())(())


@pytest.mark.parametrize("name", CHANGES)
def test_changes_are_seen(name, state_of):
    given = tensors()
    with torch.no_grad():
        given[0].mul_(2)
    matches = state_of(given)
    changed = CHANGES[name](*given)
    assert not matches(changed)
    if name != "fewer":
        assert state_of(changed)(changed)


def test_tensors_that_do_not_count_writes(state_of):
    """They are seen where they are others, and not where they are written to."""
    with torch.inference_mode():
        given = (torch.zeros(3), torch.nn.Parameter(torch.zeros(3)))
    matches = state_of(given)
    assert matches(given)
    assert not matches((given[0].clone(), given[1]))
    assert not state_of(tensors()[:2])(given)


def test_no_object_crashes():
    first = torch.zeros(3)
    known = _core.TensorState([first.data_ptr()], [first._version], state._data_ptr, torch.Tensor._version)
    assert known.matches((first,))
    assert not any(known.matches((other,)) for other in (None, 1, "x", first.numpy(), torch.Tensor))
    with pytest.raises(TypeError):
        known.matches([first])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1], [], 1, torch.Tensor._version), ValueError, "addresses and writes must be as many, got 1 and 0"),
        (([], [], 0, torch.Tensor._version), ValueError, "data_ptr must be the address of a function, got 0"),
        (([], [], 1, None), TypeError, "version must be a getset descriptor, got NoneType"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=f"TensorState: {message}"):
        _core.TensorState(*arguments)
