// matmul and gemm: shapes and attributes made a product, whose step is in product.cc.
#include <algorithm>

#include "graph/ops/ops.h"
#include "graph/ops/product.h"

namespace fastconv::graph {
namespace {

void check_float(const InferContext& c) {
  for (int i = 0; i < c.input_count(); ++i) {
    if (c.has_input(i) && c.dtype(i) != DType::f32) {
      c.fail(concat("input ", i, " must be float32, got ", dtype_name(c.dtype(i))));
    }
  }
}

// ---- matmul

struct MatmulShapes {
  Shape a, b;    // with at least two axes
  Shape batch;   // broadcast
  Shape result;  // as NumPy gives it: without the axes a vector did not have
};

MatmulShapes matmul_shapes(const InferContext& c) {
  MatmulShapes s{c.shape(0), c.shape(1), {}, {}};
  const auto disagree = [&](const char* rule) {
    c.fail(concat(rule, ", got ", to_string(c.shape(0)), " and ", to_string(c.shape(1))));
  };
  if (s.a.empty() || s.b.empty()) disagree("operands must have rank >= 1");
  const bool row = s.a.size() == 1, column = s.b.size() == 1;
  if (row) s.a.insert(s.a.begin(), 1);
  if (column) s.b.push_back(1);
  if (s.a.back() != s.b[s.b.size() - 2]) disagree("a's last axis must equal b's last but one");
  const size_t rank = std::max(s.a.size(), s.b.size());
  for (size_t i = 0; i + 2 < rank; ++i) {
    const auto extent = [&](const Shape& shape) {
      return i + shape.size() < rank ? 1 : shape[i + shape.size() - rank];
    };
    const int64_t x = extent(s.a), y = extent(s.b);
    if (x != y && x != 1 && y != 1) disagree("batch axes must broadcast");
    s.batch.push_back(x == 1 ? y : x);
  }
  s.result = s.batch;
  if (!row) s.result.push_back(s.a[s.a.size() - 2]);
  if (!column) s.result.push_back(s.b.back());
  return s;
}

void infer_matmul(InferContext& c) {
  check_float(c);
  c.set_output(0, DType::f32, matmul_shapes(c).result);
}

// For each index of `batch`, which of an operand's matrices broadcasting takes.
std::vector<int64_t> matrix_indices(const Shape& operand, const Shape& batch) {
  std::vector<int64_t> indices(static_cast<size_t>(element_count(batch)), 0);
  for (size_t flat = 0; flat < indices.size(); ++flat) {
    int64_t rest = static_cast<int64_t>(flat), step = 1;
    for (size_t back = 0; back < batch.size(); ++back) {
      const int64_t extent = batch[batch.size() - 1 - back], i = rest % extent;
      rest /= extent;
      if (back + 2 >= operand.size()) continue;
      const int64_t own = operand[operand.size() - 3 - back];
      indices[flat] += own == 1 ? 0 : i * step;
      step *= own;
    }
  }
  return indices;
}

std::unique_ptr<Step> plan_matmul(PlanContext& c) {
  const MatmulShapes s = matmul_shapes(c);
  Product p;
  p.m = s.a[s.a.size() - 2];
  p.k = s.a.back();
  p.n = s.b.back();
  p.b_count = element_count(Shape(s.b.begin(), s.b.end() - 2));
  if (p.b_count == 1) {
    // One right matrix: the left ones lie below each other and make one tall matrix.
    p.m = checked_mul(p.m, element_count(s.batch));
    p.a_offset = p.b_index = {0};
  } else {
    p.b_index = matrix_indices(s.b, s.batch);
    p.a_offset = matrix_indices(s.a, s.batch);
    for (int64_t& offset : p.a_offset) offset *= p.m * p.k;
  }
  Addend bias;
  if (c.has_input(2)) bias.input = 2;  // a row of n, put there by the pass that fuses epilogues
  return plan_product(c, p, bias);
}

// ---- gemm

Product gemm_product(const InferContext& c) {
  const Shape &a = c.shape(0), &b = c.shape(1);
  if (a.size() != 2 || b.size() != 2) {
    c.fail(concat("a and b must have rank 2, got ", to_string(a), " and ", to_string(b)));
  }
  Product p;
  p.trans_a = c.get_int("trans_a", 0) != 0;
  p.trans_b = c.get_int("trans_b", 0) != 0;
  p.alpha = static_cast<float>(c.get_float("alpha", 1));
  p.m = a[p.trans_a ? 1 : 0];
  p.k = a[p.trans_a ? 0 : 1];
  p.n = b[p.trans_b ? 0 : 1];
  if (p.k != b[p.trans_b ? 1 : 0]) {
    c.fail(concat("inner extents must be equal, got ", to_string(a), " and ", to_string(b), " with trans_a ", p.trans_a,
                  ", trans_b ", p.trans_b));
  }
  p.a_offset = p.b_index = {0};
  return p;
}

Addend gemm_addend(const InferContext& c, const Product& p) {
  Addend addend;
  if (!c.has_input(2)) return addend;
  Shape shape = c.shape(2);
  if (shape.size() <= 2) shape.insert(shape.begin(), 2 - shape.size(), 1);
  if (shape.size() != 2 || (shape[0] != 1 && shape[0] != p.m) || (shape[1] != 1 && shape[1] != p.n)) {
    c.fail(concat("c must broadcast to [", p.m, ", ", p.n, "], got ", to_string(c.shape(2))));
  }
  addend.input = 2;
  addend.rows = shape[0];
  addend.row_stride = shape[1];
  addend.column_stride = shape[1] == 1 ? 0 : 1;
  addend.beta = static_cast<float>(c.get_float("beta", 1));
  addend.as_it_is = addend.beta == 1 && shape[1] == p.n;
  return addend;
}

void infer_gemm(InferContext& c) {
  check_float(c);
  const Product p = gemm_product(c);
  gemm_addend(c, p);
  c.set_output(0, DType::f32, {p.m, p.n});
}

std::unique_ptr<Step> plan_gemm(PlanContext& c) {
  const Product p = gemm_product(c);
  return plan_product(c, p, gemm_addend(c, p));
}

}  // namespace

const OpDef op_matmul{"matmul", infer_matmul, LayoutRule::plain, kNoFlags, plan_matmul, {2}};
const AttributeDefs kGemmAttributes{{"alpha", kFloat}, {"beta", kFloat}, {"trans_a", kInt}, {"trans_b", kInt}};
const OpDef op_gemm{"gemm", infer_gemm, LayoutRule::plain, kNoFlags, plan_gemm, {2, 3}, kGemmAttributes};

}  // namespace fastconv::graph
