// `when`: govaluate's comparisons and logic, as far as conditions use them.
#include <boost/regex.hpp>
#include <cctype>
#include <charconv>
#include <variant>

#include "cluster/local/expression.h"

namespace logstone::local {

namespace {

constexpr int kMaxDepth = 100;
constexpr std::size_t kMaxBytes = 1 << 20;
constexpr const char* kQuote = "Put tags and words with blanks or signs in quotes: '{{inputs.parameters.x}}' == 'a b'.";

using Operand = std::variant<bool, double, std::string>;

std::string shown(const Operand& operand) {
  if (const auto* text = std::get_if<std::string>(&operand)) return "'" + text->substr(0, 100) + "'";
  if (const auto* flag = std::get_if<bool>(&operand)) return *flag ? "true" : "false";
  return "a number";
}

/// Evaluates while it reads. With `check_only` types do not matter, since tags stand for values of any.
class When {
 public:
  When(std::string_view text, bool check_only) : text_(text), check_only_(check_only) {}

  Result<bool> evaluate() {
    LOGSTONE_ASSIGN(const Operand value, either());
    skip_blanks();
    if (at_ < text_.size()) return bad("`" + std::string(text_.substr(at_, 20)) + "` is not expected here");
    return truth(value);
  }

 private:
  Error bad(std::string reason) const {
    return Error{ErrorKind::kInvalidInput, "evaluate when", std::string(text_.substr(0, 300)), std::move(reason),
                 kQuote};
  }
  void skip_blanks() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }
  bool take(std::string_view symbol) {
    skip_blanks();
    if (text_.substr(at_, symbol.size()) != symbol) return false;
    at_ += symbol.size();
    return true;
  }
  Result<bool> truth(const Operand& value) const {
    if (const bool* flag = std::get_if<bool>(&value)) return *flag;
    if (check_only_) return false;
    return bad("true or false is needed, but there is " + shown(value));
  }

  Result<Operand> either() {
    if (++depth_ > kMaxDepth) return bad("nested too deep");
    LOGSTONE_ASSIGN(Operand left, both());
    while (take("||")) {
      LOGSTONE_ASSIGN(const bool a, truth(left));
      LOGSTONE_ASSIGN(const Operand right, both());
      LOGSTONE_ASSIGN(const bool b, truth(right));
      left = a || b;
    }
    --depth_;
    return left;
  }

  Result<Operand> both() {
    LOGSTONE_ASSIGN(Operand left, comparison());
    while (take("&&")) {
      LOGSTONE_ASSIGN(const bool a, truth(left));
      LOGSTONE_ASSIGN(const Operand right, comparison());
      LOGSTONE_ASSIGN(const bool b, truth(right));
      left = a && b;
    }
    return left;
  }

  Result<Operand> comparison() {
    LOGSTONE_ASSIGN(Operand left, operand());
    skip_blanks();
    if (std::isalpha(static_cast<unsigned char>(at_ < text_.size() ? text_[at_] : ' ')) != 0) {
      const std::string_view rest = text_.substr(at_);
      if ((rest.starts_with("in ") || rest.starts_with("in(") || rest.starts_with("IN ")) && take(rest.substr(0, 2))) {
        return is_in(left);
      }
    }
    for (const char* op : {"==", "!=", "=~", "!~", "<=", ">=", "<", ">"}) {
      if (!take(op)) continue;
      LOGSTONE_ASSIGN(const Operand right, operand());
      LOGSTONE_ASSIGN(const bool result, compare(op, left, right));
      return Operand(result);
    }
    return left;
  }

  Result<Operand> is_in(const Operand& item) {
    if (!take("(")) return bad("`in` needs a list in parentheses");
    bool found = false;
    do {
      LOGSTONE_ASSIGN(const Operand candidate, operand());
      found = found || candidate == item;
    } while (take(","));
    if (!take(")")) return bad("`)` is missing");
    return Operand(found);
  }

  Result<bool> compare(const std::string& op, const Operand& left, const Operand& right) const {
    if (check_only_) return false;
    if (op == "==") return left == right;
    if (op == "!=") return left != right;
    if (op == "=~" || op == "!~") {
      const std::string* pattern = std::get_if<std::string>(&right);
      const std::string* subject = std::get_if<std::string>(&left);
      if (pattern == nullptr || subject == nullptr) return bad("`" + op + "` needs text on both sides");
      try {
        return boost::regex_search(*subject, boost::regex(*pattern)) == (op == "=~");
      } catch (const std::exception& e) {
        return bad("the pattern " + shown(right) + " cannot be used: " + e.what());
      }
    }
    if (left.index() != right.index() || std::holds_alternative<bool>(left)) {
      return bad("`" + op + "` cannot compare " + shown(left) + " with " + shown(right));
    }
    if (op == "<") return left < right;
    if (op == "<=") return left <= right;
    if (op == ">") return left > right;
    return left >= right;
  }

  Result<Operand> operand() {
    skip_blanks();
    if (at_ >= text_.size()) return bad("a value is missing at its end");
    const char c = text_[at_];
    if (c == '!' && text_.substr(at_, 2) != "!=" && text_.substr(at_, 2) != "!~") {
      ++at_;
      if (++depth_ > kMaxDepth) return bad("nested too deep");
      LOGSTONE_ASSIGN(const Operand value, operand());
      --depth_;
      LOGSTONE_ASSIGN(const bool flag, truth(value));
      return Operand(!flag);
    }
    if (take("(")) {
      LOGSTONE_ASSIGN(Operand value, either());
      if (!take(")")) return bad("`)` is missing");
      return value;
    }
    if (c == '\'' || c == '"') return quoted(c);
    return word();
  }

  Result<Operand> quoted(char quote) {
    std::string out;
    for (++at_; at_ < text_.size() && text_[at_] != quote; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      out += text_[at_];
    }
    if (at_ >= text_.size()) return bad(std::string("a string has no closing ") + quote);
    ++at_;
    return Operand(std::move(out));
  }

  Result<Operand> word() {
    const std::size_t start = at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || static_cast<unsigned char>(c) >= 0x80;
      if (!plain && std::string_view("_-./:@+").find(c) == std::string_view::npos) break;
      ++at_;
    }
    const std::string_view text = text_.substr(start, at_ - start);
    if (text.empty()) {
      return bad("a value is missing before `" + std::string(text_.substr(start, 20)) + "`: is a tag's value empty?");
    }
    if (text == "true" || text == "false") return Operand(text == "true");
    double number = 0;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (status == std::errc() && end == text.data() + text.size()) return Operand(number);
    return Operand(std::string(text));
  }

  std::string_view text_;
  bool check_only_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

Result<> within_size(std::string_view condition) {
  if (condition.size() <= kMaxBytes) return {};
  return Error{ErrorKind::kInvalidInput, "evaluate when", std::string(condition.substr(0, 100)),
               "it has more than 1 MiB", ""};
}

}  // namespace

Result<bool> evaluate_when(std::string_view condition) {
  if (is_blank(condition)) return true;
  LOGSTONE_TRY(within_size(condition));
  return When(condition, false).evaluate();
}

Result<> check_when(std::string_view condition) {
  if (is_blank(condition)) return {};
  LOGSTONE_TRY(within_size(condition));
  LOGSTONE_ASSIGN(const std::vector<std::string> tags, tags_of(condition));
  std::string filled;
  std::size_t at = 0;
  for (std::size_t open; (open = condition.find("{{", at)) != std::string_view::npos;) {
    const std::size_t close = condition.find("}}", open);
    if (close == std::string_view::npos) break;
    filled += condition.substr(at, open - at);
    filled += "x";
    at = close + 2;
  }
  filled += condition.substr(at);
  Result<bool> result = When(filled, true).evaluate();
  if (result) return {};
  Error error = std::move(result).error();
  error.subject = condition.substr(0, 300);
  return error;
}

}  // namespace logstone::local
