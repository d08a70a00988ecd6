"""Module: registration, state, loading, pickling, and that no stale network is ever run."""

import copy
import pickle

import numpy as np
import pytest

import fastconv as fc
from fastconv import nn
from fastconv.nn import functional as F


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.scale = nn.Parameter(np.full((4, 1, 1), 2.0, np.float32))
        self.offset = nn.Buffer(np.zeros((), np.float32))
        self.extra = None

    def forward(self, x):
        y = F.relu(self.norm(self.conv(x))) * self.scale + self.offset
        return self.extra(y) if self.extra else y


@pytest.fixture
def model():
    fc.manual_seed(1)
    return Small()


@pytest.fixture
def x():
    return np.random.default_rng(0).standard_normal((2, 3, 6, 5)).astype(np.float32)


def test_names(model):
    assert list(model.state_dict()) == [
        "scale",
        "offset",
        "conv.weight",
        "norm.weight",
        "norm.bias",
        "norm.running_mean",
        "norm.running_var",
        "norm.num_batches_tracked",
    ]
    assert [name for name, _ in model.named_parameters()] == ["scale", "conv.weight", "norm.weight", "norm.bias"]
    assert [name for name, _ in model.named_modules()] == ["", "conv", "norm"]
    assert len(list(model.parameters())) == 4
    assert len(list(model.buffers())) == 4
    assert list(model.children()) == [model.conv, model.norm]


def test_parameters_are_read_only(model):
    with pytest.raises(ValueError, match="read-only"):
        model.conv.weight[...] = 0
    mine = np.ones((4, 1, 1), np.float32)
    model.scale = mine
    mine[...] = 5
    assert model.scale.max() == 1


def test_train_and_eval_do_nothing(model, x):
    y = model(x)
    assert model.train() is model
    assert model.training is False
    np.testing.assert_array_equal(model(x), y)
    assert model.eval() is model


def test_changes_are_seen(model, x):
    first = model(x)
    model.scale = model.scale * 2
    np.testing.assert_allclose(model(x), 2 * first, rtol=1e-6)
    state = dict(model.state_dict(), offset=np.float32(3))
    model.load_state_dict(state)
    np.testing.assert_allclose(model(x), 2 * first + 3, rtol=1e-6)
    model.extra = nn.Flatten()
    assert model(x).shape == (2, 120)
    model.extra = None
    model.norm = nn.Tanh()
    assert not np.allclose(model(x), 2 * first + 3)
    del model.norm
    with pytest.raises(AttributeError, match="norm"):
        model(x)


def test_a_replaced_child_is_seen(x):
    """Even where the new child is older than the network."""
    older = nn.ReLU()
    model = nn.Sequential(nn.Tanh())
    model(x)
    model[0] = older
    np.testing.assert_array_equal(model(x), np.maximum(x, 0))


def test_networks_are_kept(model, x):
    model(x)
    (network,) = [network for _, network in model._networks.values()]
    model(x[:1])
    model(x[:, :, :5])
    assert [kept for _, kept in model._networks.values()] == [network]
    with fc.precision("high"):
        model(x)
    assert len(model._networks) == 2
    relu = nn.ReLU()
    for ndim in range(1, 9):
        relu(np.zeros((1,) * ndim, np.float32))
    assert len(relu._networks) == 4


def test_load_state_dict_names_every_problem(model):
    before = model.conv.weight
    state = dict(model.state_dict())
    del state["conv.weight"], state["norm.bias"]
    state["other"] = np.zeros(3)
    state["scale"] = np.zeros((5, 1, 1), np.float32)
    with pytest.raises(RuntimeError) as caught:
        model.load_state_dict(state)
    message = str(caught.value)
    assert "Small" in message
    assert "Missing key(s) in state_dict: 'conv.weight', 'norm.bias'." in message
    assert "Unexpected key(s) in state_dict: 'other'." in message
    assert "size mismatch for scale: (5, 1, 1) in state_dict, (4, 1, 1) in the model." in message
    assert model.conv.weight is before
    with pytest.raises(RuntimeError, match="size mismatch"):
        model.load_state_dict(state, strict=False)
    del state["scale"]
    result = model.load_state_dict(state, strict=False)
    assert result.missing_keys == ["scale", "conv.weight", "norm.bias"]
    assert result.unexpected_keys == ["other"]


def test_load_state_dict_copies_and_converts(model):
    state = {name: np.array(array, np.float64) for name, array in model.state_dict().items()}
    del state["norm.num_batches_tracked"]  # as in checkpoints of old torch versions
    model.load_state_dict(state)
    state["conv.weight"][...] = 9
    assert model.conv.weight.dtype == np.float32
    assert np.abs(model.conv.weight).max() < 1


def test_load_state_dict_takes_torch_tensors(model):
    torch = pytest.importorskip("torch", reason="loads torch tensors")
    weight = torch.randn(4, 3, 3, 3)
    for value in (
        weight,
        torch.nn.Parameter(weight),
        weight.to(torch.bfloat16),
        weight.half(),
        weight.permute(0, 1, 3, 2),
    ):
        model.load_state_dict({"conv.weight": value}, strict=False)
        np.testing.assert_array_equal(model.conv.weight, value.detach().float().numpy())
    model.load_state_dict({"scale": torch.ones(4, 1, 1, dtype=torch.float64)}, strict=False)
    assert model.scale.dtype == np.float32


def test_pickle_and_copy(model, x):
    y = model(x)
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_array_equal(other(x), y)
        assert repr(other) == repr(model)
        with pytest.raises(ValueError, match="read-only"):
            other.conv.weight[...] = 0
        other.scale = other.scale * 0
        assert other(x).max() == 0
    np.testing.assert_array_equal(model(x), y)


def test_torch_tensors_come_back_as_such(model, x):
    torch = pytest.importorskip("torch", reason="calls a model with a torch tensor")
    y = model(torch.from_numpy(x))
    assert isinstance(y, torch.Tensor)
    np.testing.assert_array_equal(y.numpy(), model(x))


def test_init_comes_first():
    class Early(nn.Module):
        def __init__(self):
            self.conv = nn.Conv2d(1, 1, 1)

    with pytest.raises(AttributeError, match=r"super\(\).__init__\(\)"):
        Early()


def test_names_must_be_names(model):
    for name in ("", "a.b"):
        with pytest.raises(KeyError, match="name"):
            model.add_module(name, nn.ReLU())


def test_forward_is_required():
    with pytest.raises(NotImplementedError, match="forward"):
        nn.Module()(np.zeros(3, np.float32))


def test_sequential():
    layers = nn.Sequential({"a": nn.ReLU(), "b": nn.Tanh()})
    assert [name for name, _ in layers.named_children()] == ["a", "b"]
    assert layers[1] is layers.b
    assert layers[-1] is layers.b
    assert list(layers[:1]._modules) == ["a"]
    layers[0] = nn.Sigmoid()
    assert isinstance(layers.a, nn.Sigmoid)
    assert len(layers.append(nn.ReLU())) == 3


def test_module_list_and_dict(x):
    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.ReLU()]).append(nn.Tanh()).extend([nn.Sigmoid()])
            self.table = nn.ModuleDict({"one": nn.ReLU()})
            self.table["two"] = nn.ELU()

        def forward(self, x):
            branches = [layer(x) for layer in self.layers] + [self.table[name](x) for name in self.table]
            return F.concat(branches, 1)

    model = Branches()
    assert len(model.layers) == 3
    assert isinstance(model.layers[-1], nn.Sigmoid)
    assert len(model.layers[1:]) == 2
    assert "two" in model.table
    assert [name for name, _ in model.table.items()] == list(model.table.keys())
    assert len(list(model.table.values())) == len(model.table) == 2
    y = model(x)
    assert y.shape == (2, 15, 6, 5)
    np.testing.assert_allclose(y[:, 3:6], np.tanh(x), rtol=1e-6)


def test_several_outputs_and_inputs():
    class Swap(nn.Module):
        def forward(self, a, b):
            return b, a + b

    class Named(nn.Module):
        def forward(self, x):
            return {"sum": x + x, "same": x}

    a, b = np.ones((2, 3), np.float32), np.full((2, 3), 4, np.float32)
    first, second = Swap()(a, b)
    np.testing.assert_array_equal(first, b)
    np.testing.assert_array_equal(second, a + b)
    named = Named()(a)
    assert list(named) == ["sum", "same"]
    np.testing.assert_array_equal(named["sum"], a + a)
    with pytest.raises(TypeError, match="forward takes 2 inputs, got 3"):
        Swap()(a, b, b)
