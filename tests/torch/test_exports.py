"""What torch.onnx writes of a program that torch.export captured runs natively in a session."""

import io

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript", reason="torch.onnx.export needs it")

import fastconv as fc  # noqa: E402

from .architectures import ARCHITECTURES  # noqa: E402
from .check import hold, randomised  # noqa: E402


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3", "fcn", "srgan"])
@pytest.mark.filterwarnings("ignore")
def test_session(name, tmp_path):
    make, shapes = ARCHITECTURES[name]
    torch.manual_seed(0)
    model = randomised(make())
    inputs = tuple(torch.randn(shape) for shape in shapes)
    with torch.no_grad():
        program = torch.onnx.export(model, inputs, dynamo=True)
        structure = torch.utils._pytree.tree_flatten(model(*inputs))[1]
    file = io.BytesIO()
    program.save(file)
    session = fc.InferenceSession(file.getvalue())
    assert session.fallbacks == {}
    feed = {entry.name: np.asarray(x) for entry, x in zip(session.get_inputs(), inputs, strict=True)}
    results = [torch.from_numpy(array) for array in session.run(None, feed)]
    hold(torch.utils._pytree.tree_unflatten(results, structure), model, *inputs)
