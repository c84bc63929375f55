// Manifests as trees that know where each value was written, however often it was patched since.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace logstone::doctor {

/// A file and a line in it, from 1. `file` is null where nobody wrote the value (defaults).
struct Place {
  std::shared_ptr<const std::string> file;
  int line = 0;
  [[nodiscard]] std::string file_name() const { return file ? *file : ""; }
};

struct NodeEntry;

/// A YAML or JSON value. Copies are deep: patching one deployment does not change another.
struct Node {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  std::string text;      ///< kScalar.
  bool literal = false;  ///< kScalar written as a block (`|`): its lines are lines of the file.
  Place place;
  std::vector<Node> items;         ///< kList.
  std::vector<NodeEntry> entries;  ///< kMap, in the order written.

  [[nodiscard]] bool is_null() const { return kind == Kind::kNull; }
  [[nodiscard]] bool is_scalar() const { return kind == Kind::kScalar; }
  [[nodiscard]] bool is_list() const { return kind == Kind::kList; }
  [[nodiscard]] bool is_map() const { return kind == Kind::kMap; }
  /// The value of a map's key; null where there is none (or this is no map).
  [[nodiscard]] const Node* find(std::string_view key) const;
  [[nodiscard]] Node* find(std::string_view key);
  /// find, key after key; a null value counts as absent.
  [[nodiscard]] const Node* at(std::initializer_list<std::string_view> path) const;
  /// The scalar's text there; empty where there is none.
  [[nodiscard]] std::string text_at(std::initializer_list<std::string_view> path) const;
  /// Sets a map's key, making this a map if it is null.
  Node& set(std::string_view key, Node value);
  void erase(std::string_view key);
  /// How many values it holds, itself included.
  [[nodiscard]] std::size_t size() const;

  [[nodiscard]] static Node scalar(std::string text, Place place);
  [[nodiscard]] static Node map(Place place);
};

struct NodeEntry {
  std::string key;
  Place place;
  Node value;
};

/// One document of a file, or why it could not be read.
struct Document {
  Node root;
  Place place;          ///< Its first line.
  std::string problem;  ///< Empty: it was read. Else what the parser said, at `problem_place`.
  Place problem_place;
  bool helm_template = false;  ///< It holds `{{ .Values... }}`, `{{- if ...`: not YAML yet.
};

/// Reads every document; each for itself, so that a broken one takes no other with it. Empty documents are left out.
/// `at` is the place of the text's first line. Bounded: aliases cannot grow a document beyond a million values.
[[nodiscard]] std::vector<Document> read_documents(std::string_view text, const Place& at);
/// The first document of a text within a manifest (a ConfigMap's value); null when it cannot be read. Lines are those
/// of the file where the scalar is a literal block, else the scalar's own.
[[nodiscard]] std::optional<Node> read_inner(const Node& scalar);

}  // namespace logstone::doctor
