"""A profile as one page for a browser: the network's time as a picture, nothing loaded from anywhere.

`to_html` puts the parts together, each a function of its own below; the style sheet is `page.css`, next to this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

from fastconv.profiling import table
from fastconv.profiling.layers import KINDS, Layer, Profile

# Okabe and Ito's colours, which everybody can tell apart, in the order of `KINDS`.
_COLOURS = dict(zip(KINDS, ("#0072b2", "#56b4e9", "#009e73", "#e69f00", "#cc79a7", "#999999", "#f0e442", "#d55e00")))
_STYLE = Path(__file__).with_name("page.css")

_HOW_TO_READ = """The network computes its layers one after the other, from the top of this page to its bottom. The
longer a bar, the more time its layer takes; its colour says what kind of work that is. The black line in a bar is the
layer's limit: the least time in which this machine could do the layer's arithmetic and fetch its data. A bar that ends
near its line has little left to gain; one that ends before it found its data in a fast cache, or needs less
arithmetic than the plain method that the limit is reckoned for (Winograd). Point at a bar for its numbers."""

_TERMS = {
    "ms": "thousandths of a second: the median of several runs",
    "GF/s": "billions of multiplications and additions a second, counted as the plain method's",
    "limit": "the least time that this machine would need over the time taken",
    "MB": "millions of bytes that a layer reads and writes",
    "algorithm, kernel": "the method, and the piece of machine code that does most of the work",
    "error": "relative difference from the same layer computed in float64",
}


def to_html(profile: Profile) -> str:
    """Return the page."""
    title = escape(f"{profile.model}: where its time goes")
    longest = max((max(layer.ms, min(layer.least_ms, 2 * layer.ms)) for layer in profile.layers), default=1.0) or 1.0
    parts = [
        f"<h1>{title}</h1>",
        f"<p class='summary'>{escape(profile.summary())}</p>",
        f"<p class='conditions'>{escape(str(profile.conditions))}</p>",
        *(f"<p class='warning'>{escape(warning)}</p>" for warning in table.warnings(profile)),
        "<h2>The whole run</h2>",
        _strip(profile),
        _legend(profile),
        "<h2>Layer by layer</h2>",
        f"<p class='reading'>{escape(_HOW_TO_READ)}</p>",
        "<div class='layers'>",
        *(_bar(number, layer, longest) for number, layer in enumerate(profile.layers, 1)),
        "</div>",
        "<h2>The numbers</h2>",
        *_table(profile),
        f"<p class='conditions'>{escape(table.ceilings(profile))}; {escape(table.memory(profile))}</p>",
        "<dl>",
        *(f"<dt>{escape(term)}</dt><dd>{escape(meaning)}</dd>" for term, meaning in _TERMS.items()),
        "</dl>",
    ]
    return (
        "<!doctype html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>\n"
        f"<title>{title}</title>\n<style>\n{_STYLE.read_text(encoding='utf-8')}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def _hover(layer: Layer) -> str:
    """Say everything that is known of a layer."""
    lines = [
        layer.name,
        f"{layer.what}, result {'x'.join(map(str, layer.shape)) or 'of any shape'}",
        " ".join(filter(None, (layer.algorithm, layer.kernel))),
        f"{layer.ms:.3f} ms, {layer.share:.1%} of the time",
    ]
    if layer.flops:
        lines.append(f"{layer.gflops:.0f} GF/s")
    if layer.least_ms:
        lines.append(f"{layer.limit:.0%} of the limit, which is {layer.least_ms:.3f} ms")
    if layer.bytes:
        lines.append(f"{layer.bytes / 1e6:.2f} MB read and written")
    if layer.error is not None:
        lines.append(f"error {layer.error:.1e}")
    return escape("\n".join(lines), quote=True)


def _strip(profile: Profile) -> str:
    """Draw all layers in one line, each as wide as its share of the time."""
    pieces = (
        f"<i style='width:{layer.share:.4%};background:{_COLOURS[layer.kind]}' title='{_hover(layer)}'>"
        f"{number if layer.share > 0.025 else ''}</i>"
        for number, layer in enumerate(profile.layers, 1)
    )
    return f"<div class='strip'>{''.join(pieces)}</div>"


def _legend(profile: Profile) -> str:
    entries = (
        f"<span><i style='background:{_COLOURS[kind]}'></i>{escape(kind)} {share:.1%}</span>"
        for kind, share in profile.by_kind().items()
    )
    return f"<p class='legend'>{''.join(entries)}</p>"


def _bar(number: int, layer: Layer, longest: float) -> str:
    """Draw one layer: name, bar with its limit, time."""
    width = layer.ms / longest
    limit = ""
    if layer.least_ms and layer.least_ms <= longest:
        limit = f"<b style='left:{layer.least_ms / longest:.3%}'></b>"
    label = f"{layer.ms:.3f} ms" + (f" · {layer.share:.0%}" if layer.share >= 0.005 else "")
    return (
        f"<div class='layer' title='{_hover(layer)}'><span class='name'>{number} {escape(layer.name)}</span>"
        f"<span class='what'>{escape(layer.what)}</span>"
        f"<span class='track'><i style='width:{width:.3%};background:{_COLOURS[layer.kind]}'></i>{limit}</span>"
        f"<span class='ms'>{label}</span></div>"
    )


def _table(profile: Profile) -> Iterator[str]:
    shown = table.headings(profile)
    yield "<div class='wide'><table>"
    yield "<tr><th>#</th>" + "".join(f"<th>{escape(heading)}</th>" for heading in shown) + "</tr>"
    for number, layer in enumerate(profile.layers, 1):
        row = "".join(f"<td>{escape(cell)}</td>" for cell in table.cells(layer)[: len(shown)])
        yield f"<tr><td>{number}</td>{row}</tr>"
    work = sum(layer.flops for layer in profile.layers) / (profile.layers_ms or 1.0) / 1e6
    numbers = f"<td>{profile.layers_ms:.3f}</td><td>100.0%</td><td>{work:.0f}</td><td>{profile.limit:.0%}</td>"
    moved = sum(layer.bytes for layer in profile.layers) / 1e6
    rest = "<td></td>" * (len(shown) - 10)
    yield f"<tr class='total'><td></td><td>all layers</td>{'<td></td>' * 4}{numbers}<td>{moved:.2f}</td>{rest}</tr>"
    yield "</table></div>"
