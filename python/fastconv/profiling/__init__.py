"""Where a network's time goes, layer by layer, beside what the machine could do: ``fastconv profile``.

One file a step: `layers` (what is measured), then the ways to show it: `table` for the terminal, `trace` for Chrome and
Perfetto, `page` for a browser; the roofline is that of `fastconv.bench`. Needs ``pip install "fastconv[bench]"``.
"""
