// Argo's `keyFormat`: where in a bucket a pod's logs are put, and what a key tells of the pod that it belongs to.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace logstone {

/// Values of tags by their names: "workflow.name", "workflow.labels.app.kubernetes.io/part-of", ...
using TagValues = std::map<std::string, std::string, std::less<>>;

/// Every `workflow.creationTimestamp...` of a time, in UTC, as Argo writes them.
void set_creation_time(TagValues& values, Timestamp created);
/// Those which a day alone tells: Y, y, m, B, b, d, A, a; and Z, z, L, which never differ.
void set_creation_day(TagValues& values, std::chrono::year_month_day day);

/// What a key may stand for.
struct KeyMatches {
  std::vector<TagValues> assignments;  ///< Each gives every tag a value with which the format renders to the key.
  bool complete = true;                ///< False: there may be more; the search was bounded.
};

/// A parsed key format. A value: cheap to copy, const calls are thread-safe.
///
/// Tags are `{{name}}`, with blanks inside or without. Names: workflow.name, .namespace, .uid, .serviceAccountName,
/// .mainEntrypoint, .priority, .parameters.NAME, .labels.NAME, .annotations.NAME, .creationTimestamp and
/// .creationTimestamp.X for RFC3339, s and X in B b m A a d H I M S Y y p Z z L; pod.name, node.name, retries,
/// inputs.parameters.NAME. Expressions (`{{=...}}`) are taken where they are a single name
/// (`{{=workflow.labels['a/b']}}` too); any other cannot be evaluated here: it is a tag by the name `=...` that is
/// known only to who gives it a value.
class KeyFormat {
 public:
  /// kInvalidInput names the tag and its position (characters from 1).
  [[nodiscard]] static Result<KeyFormat> parse(std::string_view text);
  /// The format that an artifact repository's old `keyPrefix` stands for.
  [[nodiscard]] static Result<KeyFormat> from_key_prefix(std::string_view prefix);

  /// As it was written.
  [[nodiscard]] const std::string& text() const { return text_; }
  /// Names of its tags, each once, in their order.
  [[nodiscard]] const std::vector<std::string>& tags() const { return tags_; }
  [[nodiscard]] bool has_tag(std::string_view name) const;
  /// Those of `tags()` that `values` lacks.
  [[nodiscard]] std::vector<std::string> unknown_tags(const TagValues& values) const;
  /// The key: without empty parts, as Argo joins paths, and without a `/` at either end. kInvalidInput when a tag is
  /// unknown (all are named) or when the values make no key.
  [[nodiscard]] Result<std::string> render(const TagValues& values) const;
  /// What every key begins with that has these values: the text before the first unknown tag.
  [[nodiscard]] std::string known_prefix(const TagValues& values) const;
  /// All assignments of values to tags with which the format renders to `key`, where those in `known` have the values
  /// given there. Equal tags have equal values, and a pod's name fits its workflow's. Work is bounded, whatever the key
  /// and the format. Values that are empty or hold empty parts are not found again where Argo drops them.
  [[nodiscard]] KeyMatches match(std::string_view key, const TagValues& known = {}) const;

 private:
  struct Token {
    bool tag = false;
    std::string text;  ///< Literal text, or the tag's name.
  };
  friend class KeyMatcher;

  std::string text_;
  std::vector<Token> tokens_;
  std::vector<std::string> tags_;
};

/// The object that Argo writes for a container below a rendered key: `<rendered>/<container>.log`.
[[nodiscard]] std::string argo_log_key(std::string_view rendered, std::string_view container);

}  // namespace logstone
