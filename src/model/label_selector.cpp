#include "model/label_selector.h"

#include <algorithm>

namespace logstone {
namespace {

// Far beyond what people write; bounds what a catalogue must ask of its database.
constexpr std::size_t kMaxRequirements = 64;
constexpr std::size_t kMaxValues = 1000;

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
bool is_word(char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.' || c == '/'; }

/// A name of Kubernetes: begins and ends with a letter or digit, "-", "_", "." between.
bool is_name(std::string_view text, std::size_t max_size) {
  return !text.empty() && text.size() <= max_size && is_alphanumeric(text.front()) && is_alphanumeric(text.back()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_word(c) && c != '/'; });
}

bool is_label_key(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return is_name(text, 63);
  return is_name(text.substr(0, slash), 253) && is_name(text.substr(slash + 1), 63);
}

bool is_label_value(std::string_view text) { return text.empty() || is_name(text, 63); }

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<std::vector<LabelSelector::Requirement>> parse() {
    std::vector<LabelSelector::Requirement> out;
    skip_blanks();
    if (at_ == text_.size()) return out;
    while (true) {
      if (out.size() == kMaxRequirements) return bad("more than " + std::to_string(kMaxRequirements) + " requirements");
      LOGSTONE_ASSIGN(auto next, requirement());
      out.push_back(std::move(next));
      if (at_ == text_.size()) return out;
      if (!take(",")) return bad("a comma was expected");
    }
  }

 private:
  using Requirement = LabelSelector::Requirement;
  using Operator = LabelSelector::Operator;

  Result<Requirement> requirement() {
    skip_blanks();
    // "!=" begins no requirement: a key is missing then.
    const bool negated = text_.substr(at_, 2) != "!=" && take("!");
    LOGSTONE_ASSIGN(std::string key, label_key());
    if (negated) return Requirement{std::move(key), Operator::kAbsent, {}};
    if (at_ == text_.size() || text_[at_] == ',') return Requirement{std::move(key), Operator::kExists, {}};
    if (take("==") || take("=")) {
      LOGSTONE_ASSIGN(std::string value, label_value());
      return Requirement{std::move(key), Operator::kIn, {std::move(value)}};
    }
    if (take("!=")) {
      LOGSTONE_ASSIGN(std::string value, label_value());
      return Requirement{std::move(key), Operator::kNotIn, {std::move(value)}};
    }
    const std::size_t before = at_;
    const std::string_view word = take_word();
    if (word != "in" && word != "notin") {
      at_ = before;
      return bad("an operator was expected: =, ==, !=, in, notin");
    }
    Requirement out{std::move(key), word == "in" ? Operator::kIn : Operator::kNotIn, {}};
    if (!take("(")) return bad("values in parentheses were expected");
    do {
      if (out.values.size() == kMaxValues) return bad("more than " + std::to_string(kMaxValues) + " values");
      LOGSTONE_ASSIGN(std::string value, label_value());
      out.values.push_back(std::move(value));
    } while (take(","));
    if (!take(")")) return bad("a comma or a closing parenthesis was expected");
    return out;
  }

  Result<std::string> label_key() {
    skip_blanks();
    const std::size_t before = at_;
    const std::string_view word = take_word();
    if (!is_label_key(word)) {
      at_ = before;
      return bad(word.empty() ? "a label's key was expected" : "not a label's key");
    }
    return std::string(word);
  }

  Result<std::string> label_value() {
    skip_blanks();
    const std::size_t before = at_;
    const std::string_view word = take_word();
    if (!is_label_value(word)) {
      at_ = before;
      return bad("not a label's value");
    }
    return std::string(word);
  }

  std::string_view take_word() {
    const std::size_t first = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    const std::string_view word = text_.substr(first, at_ - first);
    skip_blanks();
    return word;
  }

  bool take(std::string_view token) {
    if (text_.substr(at_, token.size()) != token) return false;
    at_ += token.size();
    skip_blanks();
    return true;
  }

  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }

  Error bad(std::string what) const {
    const std::string_view rest = text_.substr(at_);
    std::string where = rest.empty() ? " at its end" : " at \"" + std::string(rest.substr(0, 40)) + '"';
    return Error{ErrorKind::kInvalidInput, "read label selector", '"' + std::string(text_.substr(0, 200)) + '"',
                 what + where, "Write it like team=a,tier!=test,env in (dev,prod),!temporary."};
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<LabelSelector> LabelSelector::parse(std::string_view text) {
  LabelSelector out;
  LOGSTONE_ASSIGN(out.requirements_, Parser(text).parse());
  return out;
}

bool LabelSelector::matches(const Labels& labels) const {
  return std::all_of(requirements_.begin(), requirements_.end(), [&](const Requirement& requirement) {
    const auto found = labels.find(requirement.key);
    const bool exists = found != labels.end();
    const auto named = [&] {
      return std::find(requirement.values.begin(), requirement.values.end(), found->second) != requirement.values.end();
    };
    switch (requirement.op) {
      case Operator::kIn:
        return exists && named();
      case Operator::kNotIn:
        return !exists || !named();
      case Operator::kExists:
        return exists;
      case Operator::kAbsent:
        return !exists;
    }
    return false;
  });
}

}  // namespace logstone
