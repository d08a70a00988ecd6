// matmul and gemm: a batch of matrix products on tap-GEMM. A constant right operand is packed once; one computed at
// run time is packed into the workspace, each of its matrices once.
#include <algorithm>
#include <cstring>

#include "base/threads.h"
#include "graph/ops/ops.h"
#include "kernels/copy/copy.h"
#include "kernels/gemm/pack.h"
#include "kernels/gemm/schedule.h"

namespace fastconv::graph {
namespace {

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

class ProductStep final : public Step {
 public:
  ProductStep(const Product& product, const Addend& addend, std::shared_ptr<const AlignedArray<float>> packed,
              FunctionCall function, int residual)
      : p_(product), c_(addend), packed_(std::move(packed)), function_(function), residual_(residual) {
    if (!packed_) b_at_ = reserve(checked_mul(p_.b_count, packed_size(p_.k, p_.n, kernel_.packed_nr)));
    if (p_.trans_a) {
      StridedCopy copy;
      a_copy_ = CopyPlan(copy.add(p_.m, 1, p_.k).add(p_.k, p_.m, 1));
      a_at_ = reserve(checked_mul(p_.m, p_.k));
    }
    if (c_.input >= 0 && !c_.as_it_is) c_at_ = reserve(checked_mul(c_.rows, p_.n));
  }

  int64_t workspace_bytes() const override { return workspace_bytes_; }
  std::string describe() const override { return concat("gemm ", kernel_.name); }
  double flops() const override {
    return 2.0 * static_cast<double>(p_.m) * static_cast<double>(p_.n) * static_cast<double>(p_.k) *
           static_cast<double>(p_.a_offset.size());
  }

  void run(const StepBuffers& buffers) const noexcept override {
    const float* a = static_cast<const float*>(buffers.inputs[0]);
    const float* packed = packed_ ? packed_->data() : pack(buffers);
    if (p_.trans_a) {
      float* rows = at(buffers, a_at_);
      a_copy_.run(a, rows);
      a = rows;
    }
    GemmF32Args args{};
    static constexpr Tap kTap{0, 0};
    args.row_stride = args.k = p_.k;
    args.taps = &kTap;
    args.tap_count = 1;
    args.m = p_.m;
    args.n = args.dst_stride = p_.n;
    args.epilogue.call = function_;
    args.epilogue.residual_stride = p_.n;
    if (residual_ >= 0) args.epilogue.residual = static_cast<const float*>(buffers.inputs[residual_]);
    if (c_.input >= 0) (c_.rows == 1 ? args.epilogue.bias : args.epilogue.residual) = addend(buffers);

    const auto batch = static_cast<int64_t>(p_.a_offset.size());
    parallel_for(batch, batch < num_threads() ? batch : product_grain(p_.m * p_.n * p_.k),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t i = begin; i < end; ++i) {
                     GemmF32Args one = args;
                     one.src = a + p_.a_offset[i];
                     one.weights = packed + p_.b_index[i] * packed_size(p_.k, p_.n, kernel_.packed_nr);
                     one.dst = static_cast<float*>(buffers.outputs[0]) + i * p_.m * p_.n;
                     if (one.epilogue.residual) one.epilogue.residual += i * p_.m * p_.n;
                     gemm_matrix_f32(kernel_, one, p_.k);
                   }
                 });
  }

  static PackLayout layout_of(const Product& p) { return {1, 0, p.k, p.trans_b ? 1 : p.n, p.n, p.trans_b ? p.k : 1}; }

  // Right matrix `index` of `b`, packed, into `to` (of all of them).
  static void pack_one(const Product& p, const GemmF32Kernel& kernel, const float* b, int64_t index,
                       float* to) noexcept {
    const int64_t size = packed_size(p.k, p.n, kernel.packed_nr);
    float* packed = to + index * size;
    pack_f32(layout_of(p), b + index * p.k * p.n, kernel.packed_nr, packed);
    if (p.alpha != 1) {
      for (int64_t i = 0; i < size; ++i) packed[i] *= p.alpha;
    }
  }

 private:
  // The offset of `count` more floats in the workspace.
  int64_t reserve(int64_t count) {
    const int64_t begin = workspace_bytes_;
    workspace_bytes_ = checked_add(begin, round_up(checked_mul(count, sizeof(float)), kAlignment));
    return begin;
  }

  static float* at(const StepBuffers& buffers, int64_t offset) {
    return reinterpret_cast<float*>(static_cast<std::byte*>(buffers.workspace) + offset);
  }

  const float* pack(const StepBuffers& buffers) const noexcept {
    const float* b = static_cast<const float*>(buffers.inputs[1]);
    float* to = at(buffers, b_at_);
    parallel_for(p_.b_count, 1 + (1 << 15) / (p_.k * p_.n + 1), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) pack_one(p_, kernel_, b, i, to);
    });
    return to;
  }

  const float* addend(const StepBuffers& buffers) const noexcept {
    const float* c = static_cast<const float*>(buffers.inputs[c_.input]);
    if (c_.as_it_is) return c;
    float* to = at(buffers, c_at_);
    for (int64_t row = 0; row < c_.rows; ++row) {
      for (int64_t j = 0; j < p_.n; ++j) {
        to[row * p_.n + j] = c_.beta * c[row * c_.row_stride + j * c_.column_stride];
      }
    }
    return to;
  }

  Product p_;
  Addend c_;
  const GemmF32Kernel& kernel_ = choose_gemm_f32(active_isa(), p_.n, p_.k);
  std::shared_ptr<const AlignedArray<float>> packed_;  // null: b is packed at run time
  FunctionCall function_;
  int residual_;  // the input that holds it, or -1
  CopyPlan a_copy_;
  int64_t a_at_ = 0, b_at_ = 0, c_at_ = 0;
  int64_t workspace_bytes_ = 0;
};

std::unique_ptr<Step> make_step(PlanContext& c, const Product& p, const Addend& addend) {
  std::shared_ptr<const AlignedArray<float>> packed;
  if (c.input(1).constant) {
    const GemmF32Kernel& kernel = choose_gemm_f32(active_isa(), p.n, p.k);
    const std::string key =
        concat("gemm ", kernel.packed_nr, " ", p.k, "x", p.n, p.trans_b ? " transposed " : " ", p.alpha);
    using Packed = AlignedArray<float>;
    const int64_t size = packed_size(p.k, p.n, kernel.packed_nr);
    const auto pack = [&](const std::byte* bytes) {
      auto all = std::make_shared<Packed>(checked_mul(p.b_count, size));
      for (int64_t i = 0; i < p.b_count; ++i) {
        ProductStep::pack_one(p, kernel, reinterpret_cast<const float*>(bytes), i, all->data());
      }
      return all;
    };
    const auto unpack = [layout = ProductStep::layout_of(p), count = p.b_count, nr = kernel.packed_nr, size](
                            const Packed& all, std::byte* to) {
      for (int64_t i = 0; i < count; ++i) {
        unpack_f32(layout, all.data() + i * size, nr, reinterpret_cast<float*>(to) + i * layout.k * layout.columns);
      }
    };
    packed = c.packed<Packed>(1, key, pack, p.alpha == 1 ? PackCache::Unpack<Packed>(unpack) : nullptr);
  }
  return std::make_unique<ProductStep>(p, addend, std::move(packed), c.node().function, c.node().residual);
}

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
  return make_step(c, p, bias);
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
  return make_step(c, p, gemm_addend(c, p));
}

}  // namespace

const OpDef op_matmul{"matmul", infer_matmul, LayoutRule::plain, kNoFlags, plan_matmul, {2}};
const AttributeDefs kGemmAttributes{{"alpha", kFloat}, {"beta", kFloat}, {"trans_a", kInt}, {"trans_b", kInt}};
const OpDef op_gemm{"gemm", infer_gemm, LayoutRule::plain, kNoFlags, plan_gemm, {2, 3}, kGemmAttributes};

}  // namespace fastconv::graph
