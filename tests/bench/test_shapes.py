"""Shapes as text and as CSV rows: read, written and counted as they are meant."""

import csv

import pytest

from fastconv.bench.shapes import SUITES, parse, read_csv, read_lines, unique
from fastconv.cli import main

ROWS = read_csv()


def test_short_text():
    shape = parse("1x64x56x56:64:3")
    assert (shape.n, shape.c, shape.size, shape.k, shape.kernel) == (1, 64, (56, 56), 64, (3, 3))
    assert shape.pad_begin == shape.pad_end == (1, 1)
    assert shape.output_size == (56, 56)
    assert shape.flops == 2 * 56 * 56 * 64 * 64 * 9


def test_every_field():
    shape = parse("2x8x9x11x13:16:3x1x5:s1x2x3:p1x0x2-0x0x1:d2x1x1:g4")
    assert (shape.stride, shape.dilation, shape.groups) == ((1, 2, 3), (2, 1, 1), 4)
    assert (shape.pad_begin, shape.pad_end) == ((1, 0, 2), (0, 0, 1))
    assert shape.weight_shape == (16, 2, 3, 1, 5)
    assert shape.output_size == (6, 6, 4)
    transposed = parse("1x8x7:4:4:s2:p1:o1:t")
    assert transposed.weight_shape == (8, 4, 4)
    assert transposed.output_size == (15,)


@pytest.mark.parametrize(
    "text", ["", "1x64x56x56", "1x64:64:3", "1x2x3:4:5:q1", "1x2x3x4:5:1x2x3", "1x2x3x4:5x5:3", "1x2x3:4:-1", "a:b:c"]
)
def test_refused(text):
    with pytest.raises(ValueError, match=r"^shape: "):
        parse(text)


def test_every_row_survives_its_text():
    for row in ROWS:
        read_back = parse(str(row))
        assert str(read_back) == str(row)
        assert (read_back.output_size, read_back.flops) == (row.output_size, row.flops)


def test_output_sizes_are_those_of_the_file():
    with open(SUITES, newline="") as file:
        for shape, row in zip(ROWS, csv.DictReader(file), strict=True):
            assert shape.output_size == tuple(int(row["o" + axis]) for axis in "dhw"[3 - shape.rank :]), shape.name


def test_suites():
    resnet = read_csv(suite="resnet_50_v1_5", batch=1)
    assert len(resnet) == 23
    assert all(shape.n == 1 for shape in resnet)
    assert len(list(unique(resnet + resnet))) == len(list(unique(resnet)))
    with pytest.raises(ValueError, match=r"suite: must be one of .*resnet_50_v1_5.*, got 'none'"):
        read_csv(suite="none")


def test_a_shape_a_line(tmp_path, capsys):
    file = tmp_path / "shapes.txt"
    file.write_text("# the first and the last\n1x4x6x6:4:3\n\n  1x4x9:4:3:s2\n")
    assert [str(shape) for shape in read_lines(file)] == ["1x4x6x6:4:3", "1x4x9:4:3:s2"]
    rows = tmp_path / "rows.csv"
    for given, cases in ((str(file), 2), ("1x4x6x6:4:3", 1)):
        assert main(["bench", "choice", "--shapes", given, "--rounds", "1", "--csv", str(rows)]) == 0
        assert len({row["case"] for row in csv.DictReader(rows.open())}) == cases
    file.write_text("1x4x6x6:4:3\n1x4x6x6\n")
    with pytest.raises(ValueError, match=r"shapes.txt, line 2: shape: must be"):
        read_lines(file)
    assert main(["bench", "choice", "--shapes", "none.txt"]) == 1
    assert "shape: must be" in capsys.readouterr().err
