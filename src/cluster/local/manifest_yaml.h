// YAML (and JSON, its subset) as a tree that knows its lines. Inner to the manifest reader.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cluster/local/manifest.h"

namespace logstone::local {

struct YamlNode;
/// Never null. Shared where an alias or a merge uses a part again; trees never change once made.
using YamlRef = std::shared_ptr<const YamlNode>;

struct YamlEntry {
  std::string key;
  SourceLine at;
  YamlRef value;
};

struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  std::string text;    ///< kScalar.
  bool plain = false;  ///< Unquoted: `3` and `true` are not strings.
  SourceLine at;
  std::vector<YamlRef> items;      ///< kList.
  std::vector<YamlEntry> entries;  ///< kMap, keys unique, in the order written.
  std::size_t weight = 0;          ///< Bytes of it and all below, aliases spelled out.
  std::size_t depth = 1;           ///< Levels, itself included, aliases spelled out.

  [[nodiscard]] const YamlEntry* find(std::string_view key) const;
  [[nodiscard]] bool is_map() const { return kind == Kind::kMap; }
  [[nodiscard]] bool is_list() const { return kind == Kind::kList; }
  [[nodiscard]] bool is_scalar() const { return kind == Kind::kScalar; }
  [[nodiscard]] bool is_null() const { return kind == Kind::kNull; }
};

enum class ScalarType { kNull, kBool, kInteger, kFloat, kString };
[[nodiscard]] ScalarType scalar_type(const YamlNode& node);

/// All documents but the empty ones. Refuses more than 4 MiB, text that is not UTF-8, keys that are doubled or longer
/// than 500 bytes, nesting beyond 100 levels, and aliases that would spell out to more than 64 MiB.
[[nodiscard]] Result<std::vector<YamlRef>> read_yaml(std::string_view text, const std::string& source);

/// Compact JSON; plain scalars by their YAML 1.2 core type.
[[nodiscard]] std::string to_json(const YamlNode& node);

/// A tree as text and back, nothing lost: lines, and how numbers were written.
[[nodiscard]] std::string encode_tree(const YamlNode& node);
[[nodiscard]] Result<YamlRef> decode_tree(const std::string& text, const std::string& source);

[[nodiscard]] YamlRef make_scalar(std::string text, bool plain, SourceLine at);
/// A map with one entry more, or replaced.
[[nodiscard]] YamlRef with_entry(const YamlRef& map, const std::string& key, YamlRef value);
[[nodiscard]] YamlRef without_entry(const YamlRef& map, std::string_view key);
/// `over` laid on `base`: maps key by key; lists whose elements all have a name (parameters, templates, ...) by name;
/// all else from `over`.
[[nodiscard]] YamlRef merge_yaml(const YamlRef& base, const YamlRef& over);

}  // namespace logstone::local
