"""Benchmarks against the peers, on equal terms: ``fastconv bench conv|model``.

The flow, one file a step: `shapes` (what to measure), `cases` (its data and the float64 result), `engines` (ours and
the peers'), `timing` (alternating, medians), `run` (rows), `table` and `plot` (what is shown). Needs
``pip install "fastconv[bench]"``.
"""
