// The forms in which a Network's plans hold its constants, shared between plans: looked up by the constant and a key
// that says everything else the form depends on. Forms live as long as some plan's step holds them.
//
// A constant that only steps with packed forms read need not stay beside them: its bytes are let go, and the form that
// they can be had back from stays in their place. A plan that wants another form gets the bytes back for as long as it
// packs them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "graph/ir.h"

namespace fastconv::graph {

class PackCache {
 public:
  // Writes the constant's bytes again, bit for bit, from its packed form.
  template <class T>
  using Unpack = std::function<void(const T& packed, std::byte* to)>;

  // The form of `constant` under `key`, made by `make` (of its bytes, a shared_ptr<const T>) where no plan holds one.
  // `unpack` is empty where the form does not tell the bytes.
  template <class T, class Make>
  std::shared_ptr<const T> get(const ConstantPtr& constant, const std::string& key, const Make& make,
                               Unpack<T> unpack = {}) {
    Entry& entry = entries_[{constant.get(), key}];
    if (auto held = entry.form.lock(); held && entry.constant.lock() == constant) {
      return std::static_pointer_cast<const T>(held);
    }
    std::shared_ptr<const T> packed = make(bytes_of(*constant).data());
    entry = {constant, packed, {}, {}};
    if (unpack) {
      entry.unpack = [unpack](const void* form, std::byte* to) { unpack(*static_cast<const T*>(form), to); };
    }
    return packed;
  }

  // Lets a constant's bytes go, for plans that exist and for those to come, where a form can give them back. Whoever
  // else shares the bytes keeps them.
  void let_go(const Constant& constant) {
    if (!constant.data.data()) return;
    for (auto& [key, entry] : entries_) {
      if (key.first != &constant || !entry.unpack) continue;
      entry.kept = entry.form.lock();
      if (!entry.kept) continue;
      constant.data = {};
      return;
    }
  }

  // Forgets what no plan holds any more.
  void sweep() {
    std::erase_if(entries_, [](const auto& item) { return item.second.form.expired(); });
  }

 private:
  struct Entry {
    std::weak_ptr<const Constant> constant;
    std::weak_ptr<const void> form;
    std::function<void(const void* form, std::byte* to)> unpack;
    std::shared_ptr<const void> kept;  // the form, where it stands for the constant's bytes
  };

  ConstantBytes bytes_of(const Constant& constant) const {
    if (constant.data.data()) return constant.data;
    for (const auto& [key, entry] : entries_) {
      if (key.first != &constant || !entry.kept) continue;
      ConstantBytes bytes(byte_count(constant.dtype, constant.shape));
      entry.unpack(entry.kept.get(), bytes.fill());
      return bytes;
    }
    return {};
  }

  std::map<std::pair<const Constant*, std::string>, Entry> entries_;
};

}  // namespace fastconv::graph
