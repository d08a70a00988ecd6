"""The one function of torchvision that face detection calls, where torchvision is not installed: eager and compiled
models then share this one.
"""

import sys
import types

import torch


def batched_nms(boxes, scores, idxs, iou_threshold):
    """Boxes by falling score, without those that overlap a better one of the same index."""
    kept, order = [], torch.argsort(scores, descending=True, stable=True)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(best)
        low, high = torch.maximum(boxes[best, :2], boxes[rest, :2]), torch.minimum(boxes[best, 2:], boxes[rest, 2:])
        shared = (high - low).clamp(min=0).prod(1)
        overlaps = shared / (areas[best] + areas[rest] - shared) > iou_threshold
        order = rest[~(overlaps & (idxs[rest] == idxs[best]))]
    return torch.stack(kept) if kept else torch.zeros(0, dtype=torch.long)


def install():
    """Put modules of torchvision's names where imports find them."""
    names = ("torchvision", "torchvision.transforms", "torchvision.transforms.functional")
    for name in (*names, "torchvision.ops", "torchvision.ops.boxes"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["torchvision.transforms"].functional = sys.modules["torchvision.transforms.functional"]
    sys.modules["torchvision.ops.boxes"].batched_nms = batched_nms
