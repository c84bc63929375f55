// Reads the fields of one YAML map and notices those that nobody asked for. Inner to the manifest reader.
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cluster/local/manifest_yaml.h"

namespace logstone::local {

/// Gathers faults, so that a person sees them all at once.
class Problems {
 public:
  /// "spec.entrypoint (a.yaml:3): <text>". The same line is kept once.
  void invalid(const std::string& path, const SourceLine& at, const std::string& text);
  void unsupported(const std::string& path, const SourceLine& at, const std::string& text);
  /// Something accepted that has no effect here.
  void note(const std::string& path, const SourceLine& at, const std::string& text);
  void merge(const Problems& other);
  [[nodiscard]] bool empty() const { return faults_.empty(); }
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }
  /// kUnsupported if nothing but that was found, else kInvalidInput. The first 50 faults, and how many more.
  [[nodiscard]] Error error(const std::string& attempted, const std::string& subject) const;

 private:
  void add(std::string line);
  std::vector<std::string> faults_;
  std::set<std::string> seen_;
  std::vector<std::string> notes_;
  bool any_invalid_ = false;
};

/// The candidate nearest to `word` by edits, if near enough that a person may have meant it; else empty.
[[nodiscard]] std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

class FieldReader {
 public:
  /// A null `node` reads as an empty map; one that is no map is a fault.
  FieldReader(const YamlRef& node, std::string path, Problems& problems);
  /// Reports the fields that were never asked for.
  ~FieldReader();
  FieldReader(const FieldReader&) = delete;
  FieldReader& operator=(const FieldReader&) = delete;

  /// The field, if it is there and not null.
  [[nodiscard]] const YamlEntry* find(const std::string& key);
  [[nodiscard]] std::string text(const std::string& key);
  /// A number or boolean too, as written; a map or list as JSON.
  [[nodiscard]] std::optional<std::string> any_text(const std::string& key);
  /// A string or an integer.
  [[nodiscard]] std::string text_or_integer(const std::string& key);
  [[nodiscard]] std::optional<std::int64_t> integer(const std::string& key, std::int64_t least);
  [[nodiscard]] std::optional<bool> boolean(const std::string& key);
  [[nodiscard]] std::vector<std::string> texts(const std::string& key);
  [[nodiscard]] std::map<std::string, std::string> text_map(const std::string& key);
  /// Calls `each` for a list's elements with their paths: "spec.templates[2]".
  void each(const std::string& key, const std::function<void(const YamlRef&, const std::string& path)>& each);

  /// Accepted without a word: what only a cluster needs.
  void recorded(std::initializer_list<const char*> keys);
  /// Accepted, with a note that it has no effect here.
  void noted(const std::string& key, const std::string& why);
  /// A fault if it is there.
  void unsupported(const std::string& key, const std::string& advice);

  [[nodiscard]] std::string path_of(const std::string& key) const;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const SourceLine& at() const { return node_->at; }
  [[nodiscard]] Problems& problems() { return problems_; }

 private:
  [[nodiscard]] std::string scalar(const YamlNode& node, const std::string& path);
  YamlRef node_;
  std::string path_;
  Problems& problems_;
  std::vector<std::string> known_;
};

}  // namespace logstone::local
