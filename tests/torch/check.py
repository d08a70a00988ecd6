"""What the tests of this folder share: compile a model, and hold it to the error of float32 in torch."""

from __future__ import annotations

import copy
import io
import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fastconv.torch.dynamo import compile_graph  # noqa: E402

tree_flatten = torch.utils._pytree.tree_flatten


def compiled(model, **options):
    """Return a compiled model, and the list that its programs will be in."""
    programs = []

    def backend(module, example_inputs, options=None):
        return compile_graph(module, example_inputs, options, programs.append)

    return torch.compile(model, backend=backend, **options), programs


def randomised(model):
    """Parameters of a trained network's sizes, batch norms that do something; in inference mode."""
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.5, 1, generator=generator)
            module.weight.data.uniform_(0.5, 1, generator=generator)
            module.bias.data.normal_(0, 0.1, generator=generator)
    return model.eval()


def copies_of(module):
    """Return copies of a module by every way there is: pickled, copied, and saved by torch."""
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    return [pickle.loads(pickle.dumps(module)), copy.deepcopy(module), torch.load(file, weights_only=False)]


def as_float64(x):
    return x.double() if isinstance(x, torch.Tensor) and x.is_floating_point() else x


def hold(got, model, *inputs):
    """Check results against torch's own, whose error against float64 they may exceed threefold."""
    tree_map = torch.utils._pytree.tree_map
    with torch.no_grad():
        expected = model(*tree_map(copy.deepcopy, inputs))
        exact = expected
        if isinstance(model, torch.nn.Module):
            exact = copy.deepcopy(model).double()(*tree_map(as_float64, inputs))
    flat, spec = tree_flatten(got)
    flat_expected, spec_expected = tree_flatten(expected)
    assert spec == spec_expected
    for y, torchs, y64 in zip(flat, flat_expected, tree_flatten(exact)[0], strict=True):
        if not isinstance(torchs, torch.Tensor):
            assert y == torchs
            continue
        assert (y.shape, y.dtype, y.requires_grad) == (torchs.shape, torchs.dtype, False)
        if not y.is_floating_point():
            assert torch.equal(y, torchs)
            continue
        size = np.linalg.norm(y64) or 1.0
        allowed = max(3 * np.linalg.norm(torchs.double() - y64) / size, 1e-6)
        assert np.linalg.norm(y.double() - y64) / size <= allowed
