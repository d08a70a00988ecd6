// Packed weights, shared between the plans of a Network: looked up by the constant they come from and a key that says
// everything else their form depends on. Entries live as long as some plan's step holds them.
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
  // The packed form of `constant` under `key`, made by `make` (returning shared_ptr<const T>) where no plan holds one.
  template <class T, class Make>
  std::shared_ptr<const T> get(const ConstantPtr& constant, const std::string& key, const Make& make) {
    Entry& entry = entries_[{constant.get(), key}];
    if (auto held = entry.packed.lock(); held && entry.constant.lock() == constant) {
      return std::static_pointer_cast<const T>(held);
    }
    std::shared_ptr<const T> packed = make();
    entry = {constant, packed};
    return packed;
  }

  // Forgets what no plan holds any more.
  void sweep() {
    std::erase_if(entries_, [](const auto& item) { return item.second.packed.expired(); });
  }
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::weak_ptr<const Constant> constant;
    std::weak_ptr<const void> packed;
  };
  std::map<std::pair<const Constant*, std::string>, Entry> entries_;
};

}  // namespace fastconv::graph
