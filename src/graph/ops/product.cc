// A constant right matrix is packed once; one computed at run time is packed into the workspace, each of a batch once.
#include "graph/ops/product.h"

#include <cstring>

#include "base/threads.h"
#include "conv/algorithm.h"
#include "kernels/copy/copy.h"
#include "kernels/costs.h"
#include "kernels/gemm/pack.h"
#include "kernels/gemm/schedule.h"
#include "kernels/gemm/split.h"
#include "kernels/quantize/table.h"

namespace fastconv::graph {
namespace {

using Packed = AlignedArray<float>;

PackLayout layout_of(const Product& p, int pieces) {
  return {1, 0, p.k, p.trans_b ? 1 : p.n, p.n, p.trans_b ? p.k : 1, pieces};
}

// Element: what is multiplied, float32 or bfloat16, of which `pieces` are a value. The latter for one constant right
// matrix.
template <class Element>
class ProductStep final : public Step {
 public:
  ProductStep(const Product& product, const Addend& addend, int pieces,
              std::shared_ptr<const AlignedArray<float>> packed, FunctionCall function, int residual)
      : p_(product), c_(addend), pieces_(pieces), packed_(std::move(packed)), function_(function), residual_(residual) {
    for_products(pieces, [&](int source, int weights) {
      taps_.push_back({source * p_.m * k_, weights * k_ * kernel_.packed_nr});
    });
    if (!packed_) b_at_ = reserve(checked_mul(p_.b_count, packed_size(k_, p_.n, kernel_.packed_nr)));
    if (p_.trans_a) {
      StridedCopy copy;
      a_copy_ = CopyPlan(copy.add(p_.m, 1, p_.k).add(p_.k, p_.m, 1));
      a_at_ = reserve(checked_mul(p_.m, p_.k));
    }
    if (kConverts) converted_at_ = reserve(checked_mul(pieces_ * p_.m, k_));
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
    const Element* packed = packed_ ? reinterpret_cast<const Element*>(packed_->data()) : pack(buffers);
    if (p_.trans_a) {
      float* straight = at(buffers, a_at_);
      a_copy_.run(a, straight);
      a = straight;
    }
    const Element* const rows = left(a, buffers);
    GemmArgs<Element> args{};
    args.row_stride = args.k = k_;
    args.taps = taps_.data();
    args.tap_count = static_cast<int64_t>(taps_.size());
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
                     GemmArgs<Element> one = args;
                     one.src = rows + p_.a_offset[i];
                     one.weights = packed + p_.b_index[i] * packed_size(pieces_ * k_, p_.n, kernel_.packed_nr);
                     one.dst = static_cast<float*>(buffers.outputs[0]) + i * p_.m * p_.n;
                     if (one.epilogue.residual) one.epilogue.residual += i * p_.m * p_.n;
                     gemm_matrix(kernel_, one, pieces_ * k_);
                   }
                 });
  }

  // Right matrix `index` of `b`, packed, into `to` (of all of them).
  static void pack_one(const Product& p, int pieces, const GemmKernel<Element>& kernel, const float* b, int64_t index,
                       Element* to) noexcept {
    const int64_t size = packed_size(pieces * ceil_div(p.k, kProducts<Element>), p.n, kernel.packed_nr);
    Element* packed = to + index * size;
    fastconv::pack(layout_of(p, pieces), b + index * p.k * p.n, kernel.packed_nr, packed);
    if constexpr (!kConverts) {
      for (int64_t i = 0; p.alpha != 1 && i < size; ++i) packed[i] *= p.alpha;
    }
  }

 private:
  static constexpr bool kConverts = kProducts<Element> > 1;

  // The left matrices as the kernel reads them.
  const Element* left(const float* a, const StepBuffers& buffers) const noexcept {
    if constexpr (kConverts) {
      Element* to = reinterpret_cast<Element*>(at(buffers, converted_at_));
      quantize_.count_run();
      parallel_for(p_.m, 1 + (1 << 14) / (p_.k + 1), [&](int64_t begin, int64_t end) {
        quantize_.fn({a + begin * p_.k, p_.k, to + begin * k_, k_, end - begin, p_.k, pieces_, p_.m * k_});
      });
      return to;
    } else {
      return a;
    }
  }

  // The offset of `count` more floats in the workspace.
  int64_t reserve(int64_t count) {
    const int64_t begin = workspace_bytes_;
    workspace_bytes_ = checked_add(begin, round_up(checked_mul(count, sizeof(float)), kAlignment));
    return begin;
  }

  static float* at(const StepBuffers& buffers, int64_t offset) {
    return reinterpret_cast<float*>(static_cast<std::byte*>(buffers.workspace) + offset);
  }

  const Element* pack(const StepBuffers& buffers) const noexcept {
    const float* b = static_cast<const float*>(buffers.inputs[1]);
    Element* to = reinterpret_cast<Element*>(at(buffers, b_at_));
    parallel_for(p_.b_count, 1 + (1 << 15) / (p_.k * p_.n + 1), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) pack_one(p_, pieces_, kernel_, b, i, to);
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
  int64_t k_ = ceil_div(p_.k, kProducts<Element>);  // elements of a row
  const GemmKernel<Element>& kernel_ = choose_gemm<Element>(active_isa(), p_.n, k_);
  const Kernel<QuantizeBf16Fn>& quantize_ = choose_quantize_bf16(active_isa());
  int pieces_;
  std::vector<Tap> taps_;                              // a tap for each product of pieces
  std::shared_ptr<const AlignedArray<float>> packed_;  // null: b is packed at run time
  FunctionCall function_;
  int residual_;  // the input that holds it, or -1
  CopyPlan a_copy_;
  int64_t a_at_ = 0, b_at_ = 0, c_at_ = 0, converted_at_ = 0;
  int64_t workspace_bytes_ = 0;
};

template <class Element>
std::shared_ptr<const Packed> pack_constant(PlanContext& c, const Product& p, int pieces) {
  const GemmKernel<Element>& kernel = choose_gemm<Element>(active_isa(), p.n, ceil_div(p.k, kProducts<Element>));
  const std::string key = concat("gemm ", kProducts<Element>, " ", pieces, " ", kernel.packed_nr, " ", p.k, "x", p.n,
                                 p.trans_b ? " transposed " : " ", p.alpha);
  const int64_t size = packed_size(pieces * ceil_div(p.k, kProducts<Element>), p.n, kernel.packed_nr);
  const auto pack = [&](const std::byte* bytes) {
    auto all = std::make_shared<Packed>(checked_mul(p.b_count, size));
    for (int64_t i = 0; i < p.b_count; ++i) {
      ProductStep<Element>::pack_one(p, pieces, kernel, reinterpret_cast<const float*>(bytes), i,
                                     reinterpret_cast<Element*>(all->data()));
    }
    return all;
  };
  PackCache::Unpack<Packed> unpack;
  if (p.alpha == 1 && kProducts<Element> == 1) {
    unpack = [layout = layout_of(p, pieces), count = p.b_count, nr = kernel.packed_nr, size](const Packed& all,
                                                                                             std::byte* to) {
      for (int64_t i = 0; i < count; ++i) {
        unpack_f32(layout, all.data() + i * size, nr, reinterpret_cast<float*>(to) + i * layout.k * layout.columns);
      }
    };
  }
  return c.packed<Packed>(1, key, pack, std::move(unpack));
}

template <class Element>
std::unique_ptr<Step> make_step(PlanContext& c, const Product& p, const Addend& addend, int pieces) {
  std::shared_ptr<const Packed> packed;
  if (c.input(1).constant) packed = pack_constant<Element>(c, p, pieces);
  return std::make_unique<ProductStep<Element>>(p, addend, pieces, std::move(packed), c.node().function,
                                                c.node().residual);
}

// The pieces of bfloat16 that make a value within the budget, where the processor multiplies those faster than float32;
// else 0. Three are more bytes than a float32: products of few rows, which wait for the weights, would be slower, and
// the number of rows, often a batch, must not decide. Few columns have a kernel in float32 alone.
int bf16_pieces(PlanContext& c, const Product& p) {
  const Isa isa = active_isa();
  const Precision budget = parse_precision(c.options().precision);
  const int pieces = budget == Precision::medium ? 1 : 2;
  const bool takes = budget > Precision::highest && split_pays(isa, pieces) && c.input(1).constant && p.b_count == 1 &&
                     p.alpha == 1 && !choose_gemm<float>(isa, p.n, p.k).few();
  return takes ? pieces : 0;
}

}  // namespace

std::unique_ptr<Step> plan_product(PlanContext& c, const Product& p, const Addend& addend) {
  const int pieces = bf16_pieces(c, p);
  return pieces ? make_step<Bf16Pair>(c, p, addend, pieces) : make_step<float>(c, p, addend, 1);
}

}  // namespace fastconv::graph
