// JSONPath as far as manifests use it: $.a.b, ['a'], [0], [-1], [1:3], [*], .*, ..a, [?(@.age > 42 && @.name == 'x')].
#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "cluster/local/expression_tree.h"

namespace logstone::local {

namespace {

constexpr std::size_t kMaxFound = 100'000;
constexpr int kMaxFilterDepth = 30;

class Path {
 public:
  explicit Path(std::string_view text) : text_(text) {}

  /// A path without a wildcard gives its one value; with one, a list.
  Result<Value> evaluate(const Value& root) {
    if (text_.starts_with('$')) at_ = 1;
    found_ = {&root};
    while (at_ < text_.size()) LOGSTONE_TRY(step());
    if (!many_)
      return found_.empty() ? Result<Value>(expression_error("nothing is at " + std::string(text_)))
                            : Result<Value>(*found_[0]);
    Value out = Value::array();
    for (const Value* value : found_) out.push_back(*value);
    return out;
  }

 private:
  Error bad(const std::string& reason) const {
    return expression_error("the JSONPath " + std::string(text_.substr(0, 200)) + " at character " +
                            std::to_string(at_ + 1) + ": " + reason);
  }
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(std::string_view what) {
    if (text_.substr(at_, what.size()) != what) return false;
    at_ += what.size();
    return true;
  }
  void skip_blanks() {
    while (std::isspace(static_cast<unsigned char>(peek())) != 0) ++at_;
  }

  Result<> step() {
    if (take("..")) {
      many_ = true;
      std::vector<const Value*> all;
      for (const Value* value : found_) LOGSTONE_TRY(descend(*value, all));
      found_ = std::move(all);
      if (peek() == '[') return {};
      return name();
    }
    if (take(".")) return name();
    if (take("[")) return bracket();
    if (at_ == 0) return name();
    return bad("a dot or a bracket is needed");
  }

  Result<> descend(const Value& value, std::vector<const Value*>& all) {
    if (all.size() >= kMaxFound) return bad("it finds too much");
    all.push_back(&value);
    if (value.is_structured()) {
      for (const Value& inner : value) LOGSTONE_TRY(descend(inner, all));
    }
    return {};
  }

  Result<> name() {
    if (take("*")) return every();
    std::string key;
    while (at_ < text_.size() && peek() != '.' && peek() != '[') key += text_[at_++];
    if (key.empty()) return bad("a name is needed");
    keep([&](const Value& value) { return child(value, key); });
    return {};
  }

  Result<> every() {
    many_ = true;
    std::vector<const Value*> all;
    for (const Value* value : found_) {
      if (!value->is_structured()) continue;
      for (const Value& inner : *value) all.push_back(&inner);
    }
    found_ = std::move(all);
    return {};
  }

  template <class Pick>
  void keep(Pick&& pick) {
    std::vector<const Value*> all;
    for (const Value* value : found_) {
      if (const Value* picked = pick(*value)) all.push_back(picked);
    }
    found_ = std::move(all);
  }

  static const Value* child(const Value& value, const std::string& key) {
    if (!value.is_object()) return nullptr;
    const auto it = value.find(key);
    return it == value.end() ? nullptr : &*it;
  }
  static const Value* child(const Value& value, std::int64_t index) {
    if (!value.is_array()) return nullptr;
    const auto size = static_cast<std::int64_t>(value.size());
    if (index < 0) index += size;
    return index < 0 || index >= size ? nullptr : &value[static_cast<std::size_t>(index)];
  }

  Result<std::string> quoted() {
    const char quote = text_[at_++];
    std::string out;
    while (at_ < text_.size() && peek() != quote) {
      if (peek() == '\\' && at_ + 1 < text_.size()) ++at_;
      out += text_[at_++];
    }
    if (at_ >= text_.size()) return bad("the string has no end");
    ++at_;
    return out;
  }

  std::optional<std::int64_t> integer() {
    std::int64_t out = 0;
    const auto [end, status] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), out);
    if (status != std::errc()) return std::nullopt;
    at_ = static_cast<std::size_t>(end - text_.data());
    return out;
  }

  Result<> bracket() {
    skip_blanks();
    if (take("?(")) {
      LOGSTONE_TRY(filter());
    } else if (take("*")) {
      LOGSTONE_TRY(every());
    } else if (peek() == '\'' || peek() == '"') {
      LOGSTONE_ASSIGN(const std::string key, quoted());
      keep([&](const Value& value) { return child(value, key); });
    } else {
      const auto first = integer();
      skip_blanks();
      if (take(":")) {
        skip_blanks();
        const auto last = integer();
        slice(first, last);
      } else if (first) {
        keep([&](const Value& value) { return child(value, *first); });
      } else {
        return bad("an index, a name in quotes, * or ?() is needed");
      }
    }
    skip_blanks();
    if (!take("]")) return bad("`]` is missing");
    return {};
  }

  void slice(std::optional<std::int64_t> from, std::optional<std::int64_t> to) {
    many_ = true;
    std::vector<const Value*> all;
    for (const Value* value : found_) {
      if (!value->is_array()) continue;
      const auto size = static_cast<std::int64_t>(value->size());
      const auto place = [&](std::int64_t n) {
        return std::clamp<std::int64_t>(n < 0 ? std::max(n, -size) + size : n, 0, size);
      };
      for (std::int64_t i = place(from.value_or(0)); i < place(to.value_or(size)); ++i) {
        all.push_back(&(*value)[static_cast<std::size_t>(i)]);
      }
    }
    found_ = std::move(all);
  }

  Result<> filter() {
    many_ = true;
    const std::size_t start = at_;
    std::vector<const Value*> candidates;
    for (const Value* value : found_) {
      if (!value->is_structured()) continue;
      for (const Value& inner : *value) candidates.push_back(&inner);
    }
    static const Value nothing;
    std::vector<const Value*> all;
    LOGSTONE_TRY(either(nothing));  // its grammar, and its end where there is no candidate
    for (const Value* candidate : candidates) {
      at_ = start;
      LOGSTONE_ASSIGN(const bool kept, either(*candidate));
      if (kept) all.push_back(candidate);
    }
    found_ = std::move(all);
    skip_blanks();
    if (!take(")")) return bad("`)` is missing");
    return {};
  }

  Result<bool> either(const Value& current) {
    if (++depth_ > kMaxFilterDepth) return bad("nested too deep");
    LOGSTONE_ASSIGN(bool out, both(current));
    for (skip_blanks(); take("||"); skip_blanks()) {
      LOGSTONE_ASSIGN(const bool right, both(current));
      out = out || right;
    }
    --depth_;
    return out;
  }
  Result<bool> both(const Value& current) {
    LOGSTONE_ASSIGN(bool out, one(current));
    for (skip_blanks(); take("&&"); skip_blanks()) {
      LOGSTONE_ASSIGN(const bool right, one(current));
      out = out && right;
    }
    return out;
  }
  Result<bool> one(const Value& current) {
    skip_blanks();
    if (take("(")) {
      LOGSTONE_ASSIGN(const bool inner, either(current));
      skip_blanks();
      if (!take(")")) return bad("`)` is missing");
      return inner;
    }
    LOGSTONE_ASSIGN(const Value left, operand(current));
    skip_blanks();
    for (const char* op : {"==", "!=", "<=", ">=", "<", ">"}) {
      if (!take(op)) continue;
      LOGSTONE_ASSIGN(const Value right, operand(current));
      return compare(op, left, right);
    }
    return !left.is_null();
  }
  static bool compare(const std::string& op, const Value& a, const Value& b) {
    if (op == "==") return a == b;
    if (op == "!=") return a != b;
    if (!(a.is_number() && b.is_number()) && !(a.is_string() && b.is_string())) return false;
    return op == "<" ? a < b : op == ">" ? b < a : op == "<=" ? !(b < a) : !(a < b);
  }
  Result<Value> operand(const Value& current) {
    skip_blanks();
    if (peek() == '\'' || peek() == '"') {
      LOGSTONE_ASSIGN(const std::string text, quoted());
      return Value(text);
    }
    if (take("@")) {
      const Value* at = &current;
      for (;;) {
        std::string key;
        if (take(".")) {
          while (std::isalnum(static_cast<unsigned char>(peek())) != 0 || peek() == '_' || peek() == '-')
            key += text_[at_++];
        } else if (text_.substr(at_, 2) == "['" || text_.substr(at_, 2) == "[\"") {
          ++at_;
          LOGSTONE_ASSIGN(key, quoted());
          if (!take("]")) return bad("`]` is missing");
        } else {
          return at != nullptr ? *at : Value(nullptr);
        }
        at = at != nullptr ? child(*at, key) : nullptr;
      }
    }
    std::string word;
    while (std::isalnum(static_cast<unsigned char>(peek())) != 0 || peek() == '.' || peek() == '-' || peek() == '+')
      word += text_[at_++];
    Value value = Value::parse(word, nullptr, false);
    if (value.is_discarded()) return bad("a value is needed");
    return value;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<const Value*> found_;
  bool many_ = false;
  int depth_ = 0;
};

}  // namespace

Result<Value> evaluate_jsonpath(const Value& root, std::string_view path) { return Path(path).evaluate(root); }

}  // namespace logstone::local
