"""Every algorithm on every instruction set, on random cases, equal to the specification (see conftest.py, worker.py).

A failure names its case as a command that repeats it.
"""

import pytest

from tests.conftest import MACHINE_ISAS
from tests.conv.check import ALGORITHMS
from tests.conv.conftest import CASES

# An algorithm that refused everything would be right everywhere: the least share of cases that each must accept.
LEAST_ACCEPTED = {
    "auto": 1.0,
    "reference": 1.0,
    "direct": 0.7,
    "direct_bf16": 0.7,
    "direct_bf16x3": 0.7,
    "direct_bf16x6": 0.7,
    "im2col": 0.5,
    "col2im": 0.3,
    "winograd": 0.06,
    "winograd2": 0.06,
    "winograd3": 0.02,
    "winograd4": 0.06,
    "winograd6": 0.06,
    "depthwise": 0.06,
}


@pytest.mark.parametrize("isa", MACHINE_ISAS)
def test_every_accepted_case_is_right(sweep, isa):
    assert not sweep[isa].failed, "\n".join(map(str, [dict(sweep[isa].failed), *sweep[isa].lines[:50]]))


@pytest.mark.parametrize("isa", MACHINE_ISAS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_enough_cases_are_accepted(sweep, isa, algorithm):
    accepted, refused = sweep[isa].accepted[algorithm], sweep[isa].refused[algorithm]
    assert accepted + refused >= CASES // len(MACHINE_ISAS)
    assert accepted >= LEAST_ACCEPTED[algorithm] * (accepted + refused)
