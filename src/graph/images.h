// Image by image: a run takes a stretch of steps in turns, each for a few images of the batch (one for each thread),
// instead of once for all of them, so that what one layer writes is still in the cache when the next reads it. Weights
// are read anew in each turn, so it pays where a layer's activations fill the cache and its weights are small beside
// them. Results are the same bits: no operator's depend on how many images it is given.
//
// Inside a stretch every operator sees the images of one turn. Values that live in it alone are no larger, and all
// turns use the same memory; values that cross its borders hold the whole batch, and the run walks along them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include "graph/ir.h"

namespace fastconv::graph {

struct Stretch {
  size_t first, end;           // nodes [first, end)
  int64_t turns;               // the batch is so many times as large as what a turn takes
  std::set<ValueId> walked{};  // homes of the values that cross the borders
};

// What the choice of stretches goes by, of one node.
struct ImageCost {
  int64_t images = 0;       // 0: it may not run image by image
  bool works = true;        // it is a step: views and what lies in place already are not
  int64_t activations = 0;  // bytes of one image read and written
  int64_t weights = 0;      // bytes that every image reads
};

// The stretches of a plan, without their walked values; they do not overlap. A pure function of sizes.
std::vector<Stretch> choose_stretches(std::span<const ImageCost> nodes, int64_t l2_bytes, int64_t threads);

// Chooses stretches, of those that would not make the arena grow, and makes every value inside one what a turn takes:
// those that cross borders get a twin that lies in the whole batch. Once all values have their places (placement.h).
std::vector<Stretch> split_images(Graph& graph, int64_t l2_bytes, int64_t threads);

// The stretch of node `i`; null where it runs for the whole batch at once.
const Stretch* stretch_of(std::span<const Stretch> stretches, size_t i);

}  // namespace fastconv::graph
