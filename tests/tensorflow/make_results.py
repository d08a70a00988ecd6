"""Asks TensorFlow: to store its results for the tests, or to compare fastconv with it on any number of other cases.

    python -m tests.tensorflow.make_results               # writes results.npz, which the tests replay everywhere
    python -m tests.tensorflow.make_results --check 300   # compares 300 other cases, and stores nothing

It needs ``tensorflow-cpu``. `cases` has what is drawn, `stored` the file and the comparison.
"""

from __future__ import annotations

import argparse
import os
from random import Random

# Before TensorFlow is loaded. Its kernels for channels first are oneDNN's, which older processors leave switched off.
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="1")

import numpy as np
import tensorflow as tf

import fastconv.tensorflow
from tests.tensorflow.cases import Case, arguments, random_case
from tests.tensorflow.stored import compare, save

STORED, SEED = 320, 1


def of_tensorflow(case: Case) -> np.ndarray:
    """TensorFlow's result of a case."""
    result: np.ndarray = getattr(tf.nn, case["function"])(**arguments(case)).numpy()
    return result


def check(seed: int, count: int) -> None:
    """Compare `count` random cases."""
    rng = Random(seed)
    for _ in range(count):
        case = random_case(rng)
        try:
            compare(case, of_tensorflow(case))
        except Exception as error:
            raise AssertionError(f"seed {seed}: {case}") from error


def check_tensors() -> None:
    """TensorFlow's tensors and variables in give its tensors out."""
    x, filters = tf.random.normal((1, 9, 8, 3)), tf.Variable(tf.random.normal((3, 3, 3, 4)))
    y = fastconv.tensorflow.conv2d(x, filters, 2, "SAME")
    pooled = fastconv.tensorflow.max_pool(x, 2, 2, "SAME")
    assert isinstance(y, tf.Tensor) and isinstance(pooled, tf.Tensor)
    np.testing.assert_allclose(y, tf.nn.conv2d(x, filters, 2, "SAME"), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(pooled, tf.nn.max_pool(x, 2, 2, "SAME"))


def main() -> None:
    """Store or compare, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", type=int, metavar="COUNT", help="compare this many cases and store nothing")
    parser.add_argument("--seed", type=int, default=SEED + 1, help="of the cases to compare")
    options = parser.parse_args()
    if options.check is not None:
        check(options.seed, options.check)
        check_tensors()
    else:
        rng = Random(SEED)
        cases = [random_case(rng) for _ in range(STORED)]
        save([(case, of_tensorflow(case)) for case in cases], tf.__version__)


if __name__ == "__main__":
    main()
