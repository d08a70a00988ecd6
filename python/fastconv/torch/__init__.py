"""fastconv in PyTorch programs.

``torch.compile(model, backend="fastconv")`` runs a model through fastconv (`backend` is the function behind the name);
`convert` makes a module that does, for programs that pickle or save it; `explain` tells what of a model fastconv
computes, and what is left to torch.
"""

from fastconv.torch.conversion import convert
from fastconv.torch.dynamo import backend
from fastconv.torch.explanation import Explanation, explain

__all__ = ["Explanation", "backend", "convert", "explain"]
