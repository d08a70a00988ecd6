"""torch.compile keeps what it compiled by code object: each test starts with none."""

import sys

import pytest


@pytest.fixture(autouse=True)
def fresh_dynamo():
    yield
    if "torch._dynamo" in sys.modules:
        sys.modules["torch"]._dynamo.reset()
