// Threads: how many to use, and one primitive to use them, on the workers of thread_pool.h.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "base/thread_pool.h"

namespace fastconv {

// Threads used by runs: set_num_threads > FASTCONV_NUM_THREADS > OMP_NUM_THREADS > min(affinity, cgroup quota).
int num_threads();
void set_num_threads(int64_t count);  // ValueError unless 1 to 1024

// What the calling thread plans and runs from now on uses `count` threads, whatever the process's setting; 0: that
// setting again. Gives back the limit before. Sessions with a thread count of their own put it around their runs.
int limit_threads(int count);

// Items of this many multiply-adds that are worth a thread: together about 100k.
inline int64_t product_grain(int64_t multiply_adds) {
  return 1 + 100000 / (multiply_adds + 1);
}

// The dimension along which parallel_grid cuts first.
enum class Along : uint8_t { rows, columns };

namespace detail {
// Pieces along the rows of parallel_grid, 1 to min(rows, threads).
int64_t grid_rows(int64_t rows, int64_t columns, int64_t threads, Along along) noexcept;
}  // namespace detail

// Calls fn(chunk, begin, end) on contiguous, disjoint ranges that cover [0, count): at most num_threads() and at most
// `most_chunks` of them, each of at least `grain` items. `chunk` counts from 0, for per-chunk scratch memory.
// Ranges never change what is summed in which order: fn must treat items independently. fn must not throw. Nested
// calls run on the calling thread.
template <class Fn>
void parallel_chunks(int64_t count, int64_t grain, int64_t most_chunks, const Fn& fn) noexcept {
  if (count <= 0) return;
  int64_t chunks = (count + grain - 1) / grain;
  if (chunks > most_chunks) chunks = most_chunks;
  if (chunks > num_threads()) chunks = num_threads();
  if (chunks <= 1) {
    fn(int64_t{0}, int64_t{0}, count);
    return;
  }
  struct Context {
    const Fn* fn;
    int64_t count, chunks;
  } context{&fn, count, chunks};
  detail::run_chunks(
      chunks,
      [](void* raw, int64_t chunk) {
        const Context& c = *static_cast<Context*>(raw);
        // Not count * chunk / chunks: that product could wrap.
        const int64_t size = c.count / c.chunks, extra = c.count % c.chunks;
        const int64_t begin = size * chunk + (chunk < extra ? chunk : extra);
        (*c.fn)(chunk, begin, begin + size + (chunk < extra ? 1 : 0));
      },
      &context);
}

// The same without per-chunk memory: fn(begin, end).
template <class Fn>
void parallel_for(int64_t count, int64_t grain, const Fn& fn) noexcept {
  parallel_chunks(count, grain, INT64_MAX, [&](int64_t, int64_t begin, int64_t end) { fn(begin, end); });
}

// Work in two dimensions, such as pixels by channels, cut among threads into a grid of near-equal rectangles, at most
// `most_pieces`: fn(piece, row_begin, row_end, column_begin, column_end), with pieces counted from 0. Of cuts that
// leave the busiest thread alike, the one with most pieces along rows, or along columns, is taken: along the dimension
// whose neighbouring layers are cut so too, or that shares less. At least `grain` cells are worth a thread.
template <class Fn>
void parallel_grid(int64_t rows, int64_t columns, int64_t grain, Along along, int64_t most_pieces,
                   const Fn& fn) noexcept {
  if (rows <= 0 || columns <= 0) return;
  const int64_t threads =
      std::min({static_cast<int64_t>(num_threads()), most_pieces, (rows * columns + grain - 1) / grain});
  const int64_t along_rows = detail::grid_rows(rows, columns, threads, along);
  const int64_t along_columns = std::min(columns, threads / along_rows);
  parallel_for(along_rows * along_columns, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t r = i / along_columns, c = i % along_columns;
      fn(i, rows * r / along_rows, rows * (r + 1) / along_rows, columns * c / along_columns,
         columns * (c + 1) / along_columns);
    }
  });
}

// The same without per-piece memory: fn(row_begin, row_end, column_begin, column_end).
template <class Fn>
void parallel_grid(int64_t rows, int64_t columns, int64_t grain, Along along, const Fn& fn) noexcept {
  parallel_grid(rows, columns, grain, along, INT64_MAX,
                [&](int64_t, int64_t row_begin, int64_t row_end, int64_t column_begin, int64_t column_end) {
                  fn(row_begin, row_end, column_begin, column_end);
                });
}

}  // namespace fastconv
