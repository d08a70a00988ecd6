// The step behind matmul and gemm: a batch of matrix products on tap-GEMM, made by matmul.cc, run by product.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "graph/op.h"
#include "graph/plan.h"

namespace fastconv::graph {

// y[i] = function(alpha * a[i] * b[b_index[i]] + bias + residual[i]), i < a_offset.size(): m x k times k x n.
struct Product {
  int64_t m = 0, n = 0, k = 0;
  std::vector<int64_t> a_offset;  // elements to the i-th left matrix
  std::vector<int64_t> b_index;   // which right matrix
  int64_t b_count = 1;
  bool trans_a = false, trans_b = false;  // stored k x m, n x k
  float alpha = 1;
};

// What is added: a value that broadcasts to m x n, scaled by beta. It is a bias where it is one row of n.
struct Addend {
  int input = -1;
  int64_t rows = 1, row_stride = 0, column_stride = 0;
  float beta = 1;
  bool as_it_is = true;  // dense rows of n, beta 1: needs no copy
};

// The left matrices are input 0, the right ones input 1.
std::unique_ptr<Step> plan_product(PlanContext& c, const Product& product, const Addend& addend);

}  // namespace fastconv::graph
