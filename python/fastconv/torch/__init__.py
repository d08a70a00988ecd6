"""fastconv in PyTorch programs.

``torch.compile(model, backend="fastconv")`` runs a model through fastconv (`backend` is the function behind the name);
`explain` tells what of it fastconv computes, and what is left to torch.
"""

from fastconv.torch.dynamo import backend
from fastconv.torch.explanation import Explanation, explain

__all__ = ["Explanation", "backend", "explain"]
