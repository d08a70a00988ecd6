"""Data movement: elements of any type that go elsewhere unchanged."""

from __future__ import annotations

from fastconv._ort.errors import InvalidGraph
from fastconv.onnx.registry import ANY, Names, Node, Unsupported, translates


@translates("Concat", types=ANY)
def concat(node: Node) -> str:
    """Translate the join of tensors along an axis."""
    return node.add("concat", *node.inputs, axis=node.attribute("axis"))


@translates("Split", types=ANY)
def split(node: Node) -> Names:
    """Translate the cut along an axis; sizes are an attribute before opset 13."""
    sizes = node.optional(1) if node.opset >= 13 else node.optional_ints(node.attribute("split"))
    count = len(node.recipe.node.output)
    if node.attribute("num_outputs", count) != count:
        raise InvalidGraph.of(f"Split: num_outputs must be {count}, got {node.attribute('num_outputs')}")
    return node.add_outputs("split", node.input(0), sizes, outputs=count, axis=node.attribute("axis", 0))


@translates("Slice", types=ANY)
def slice_(node: Node) -> str:
    """Translate a strided window; its bounds are attributes before opset 10."""
    if node.opset >= 10:
        return node.add("slice", *(node.optional(index) for index in range(5)))
    starts, ends, axes = (node.optional_ints(node.attribute(name)) for name in ("starts", "ends", "axes"))
    return node.add("slice", node.input(0), starts, ends, axes)


@translates("Pad", types=ANY)
def pad(node: Node) -> str:
    """Translate padding; pads and value are attributes before opset 11."""
    mode = node.attribute("mode", "constant")
    if node.opset >= 11:
        return node.add("pad", *(node.optional(index) for index in range(4)), mode=mode)
    value = node.constant(node.attribute("value", 0.0), node.dtype(0))
    return node.add("pad", node.input(0), node.ints(node.attribute("pads")), value, mode=mode)


@translates("Transpose", types=ANY)
def transpose(node: Node) -> str:
    """Translate the permutation of axes (reversed where none is given)."""
    return node.add("transpose", node.input(0), perm=node.attribute("perm"))


@translates("Expand", types=ANY)
def expand(node: Node) -> str:
    """Translate broadcasting to a shape."""
    return node.add("expand", node.input(0), node.input(1))


@translates("Tile", types=ANY)
def tile(node: Node) -> str:
    """Translate repetition along each axis."""
    return node.add("tile", node.input(0), node.input(1))


@translates("Gather", types=ANY)
def gather(node: Node) -> str:
    """Translate the choice of slices by index."""
    return node.add("gather", node.input(0), node.input(1), axis=node.attribute("axis", 0))


@translates("GatherElements", types=ANY)
def gather_elements(node: Node) -> str:
    """Translate the choice of elements by index."""
    return node.add("gather_elements", node.input(0), node.input(1), axis=node.attribute("axis", 0))


@translates("DepthToSpace")
def depth_to_space(node: Node) -> str:
    """Translate channels to blocks of pixels."""
    return node.add(
        "depth_to_space",
        node.input(0),
        blocksize=node.attribute("blocksize"),
        mode=node.attribute("mode", "DCR"),
    )


@translates("SpaceToDepth")
def space_to_depth(node: Node) -> str:
    """Translate blocks of pixels to channels, in the order that the vocabulary has."""
    if node.attribute("mode", "DCR") != "DCR":
        raise Unsupported(f"mode={node.attribute('mode')}")
    return node.add("space_to_depth", node.input(0), blocksize=node.attribute("blocksize"))
