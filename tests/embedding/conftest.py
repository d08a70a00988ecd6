"""The examples, built once."""

from pathlib import Path

import pytest

from tests.embedding.installed import build


@pytest.fixture(scope="session")
def examples(tmp_path_factory) -> Path:
    """The folder of the programs of examples/cpp."""
    return build(Path(__file__).parents[2] / "examples" / "cpp", tmp_path_factory.mktemp("examples"))
