// expr-lang's grammar: precedence climbing over a small lexer.
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>

#include "cluster/local/expression_tree.h"

namespace logstone::local {

namespace {

constexpr int kMaxDepth = 100;
constexpr int kMaxLinks = 500;
constexpr std::size_t kMaxBytes = 64 * 1024;

struct Token {
  enum class Kind { kEnd, kName, kNumber, kString, kSymbol };
  Kind kind = Kind::kEnd;
  std::string text;
  std::size_t at = 0;
};

bool is_name_start(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$'; }
bool is_name_part(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$'; }
bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

void append_utf8(std::string& out, unsigned code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    out += static_cast<char>(0xe0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

Error at_place(std::size_t at, const std::string& reason) {
  return expression_error("at character " + std::to_string(at + 1) + ": " + reason);
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<Token>> tokens() {
    std::vector<Token> out;
    for (;;) {
      while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
      Token token;
      token.at = at_;
      if (at_ >= text_.size()) {
        out.push_back(std::move(token));
        return out;
      }
      LOGSTONE_TRY(read(token));
      out.push_back(std::move(token));
    }
  }

 private:
  Result<> read(Token& token) {
    const char c = text_[at_];
    if (is_name_start(c)) {
      token.kind = Token::Kind::kName;
      while (at_ < text_.size() && is_name_part(text_[at_])) token.text += text_[at_++];
      return {};
    }
    if (is_digit(c) || (c == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]))) return read_number(token);
    if (c == '"' || c == '\'' || c == '`') return read_string(token, c);
    constexpr std::array<std::string_view, 9> pairs = {"==", "!=", "<=", ">=", "&&", "||", "??", "?.", "**"};
    token.kind = Token::Kind::kSymbol;
    for (const std::string_view pair : pairs) {
      if (text_.substr(at_, 2) == pair) {
        token.text = pair;
        at_ += 2;
        return {};
      }
    }
    if (text_.substr(at_, 2) == "..") {
      token.text = "..";
      at_ += 2;
      return {};
    }
    if (std::string_view("+-*/%^<>!?:.,()[]{}#|").find(c) == std::string_view::npos) {
      return at_place(at_, std::string("`") + c + "` is not understood");
    }
    token.text = c;
    ++at_;
    return {};
  }

  Result<> read_number(Token& token) {
    token.kind = Token::Kind::kNumber;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const bool exponent_sign = (c == '+' || c == '-') && !token.text.starts_with("0x") && !token.text.empty() &&
                                 std::tolower(token.text.back()) == 'e';
      if (c == '.' && text_.substr(at_, 2) == "..") break;
      if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '.' && c != '_' && !exponent_sign) break;
      if (c != '_') token.text += c;
      ++at_;
    }
    return {};
  }

  Result<> read_string(Token& token, char quote) {
    token.kind = Token::Kind::kString;
    const std::size_t start = at_++;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] != '\\' || quote == '`') {
        token.text += text_[at_++];
        continue;
      }
      if (++at_ >= text_.size()) break;
      const char c = text_[at_++];
      switch (c) {
        case 'n':
          token.text += '\n';
          break;
        case 't':
          token.text += '\t';
          break;
        case 'r':
          token.text += '\r';
          break;
        case 'u':
        case 'x': {
          const std::size_t digits = c == 'u' ? 4 : 2;
          unsigned code = 0;
          const std::string_view hex = text_.substr(at_, digits);
          const auto [end, status] = std::from_chars(hex.data(), hex.data() + hex.size(), code, 16);
          if (hex.size() != digits || status != std::errc() || end != hex.data() + hex.size()) {
            return at_place(at_, "a bad escape in a string");
          }
          append_utf8(token.text, code);
          at_ += digits;
          break;
        }
        default:
          token.text += c;
      }
    }
    if (at_ >= text_.size()) return at_place(start, std::string("the string has no closing ") + quote);
    ++at_;
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

struct Operator {
  std::string_view text;
  int precedence;
  bool right = false;
};
constexpr std::array<Operator, 24> kOperators = {
    {{"||", 10},       {"or", 10},         {"&&", 15},       {"and", 15},       {"==", 20},       {"!=", 20},
     {"<", 20},        {">", 20},          {"<=", 20},       {">=", 20},        {"in", 20},       {"matches", 20},
     {"contains", 20}, {"startsWith", 20}, {"endsWith", 20}, {"..", 25},        {"+", 30},        {"-", 30},
     {"*", 60},        {"/", 60},          {"%", 60},        {"**", 100, true}, {"^", 100, true}, {"??", 500}}};

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  Result<ExpressionRef> whole() {
    LOGSTONE_ASSIGN(ExpressionRef expression, choice());
    if (peek().kind != Token::Kind::kEnd) return unexpected();
    return expression;
  }

 private:
  [[nodiscard]] const Token& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(next_ + ahead, tokens_.size() - 1)];
  }
  [[nodiscard]] bool is(std::string_view symbol) const {
    return peek().kind == Token::Kind::kSymbol && peek().text == symbol;
  }
  bool take(std::string_view symbol) {
    if (!is(symbol)) return false;
    ++next_;
    return true;
  }
  [[nodiscard]] Error unexpected() const {
    if (peek().kind == Token::Kind::kEnd) return at_place(peek().at, "it ends too early");
    return at_place(peek().at, "`" + peek().text.substr(0, 50) + "` is not expected here");
  }
  Result<> expect(std::string_view symbol) {
    if (!take(symbol)) return at_place(peek().at, "`" + std::string(symbol) + "` is missing");
    return {};
  }
  static ExpressionRef make(Expression::Kind kind, std::string text = "") {
    auto out = std::make_unique<Expression>();
    out->kind = kind;
    out->text = std::move(text);
    return out;
  }

  struct Level {
    explicit Level(int& depth) : depth_(depth) { ++depth_; }
    ~Level() { --depth_; }
    int& depth_;
  };

  Result<ExpressionRef> choice() {
    const Level level(depth_);
    if (depth_ > kMaxDepth) return at_place(peek().at, "nested too deep");
    LOGSTONE_ASSIGN(ExpressionRef condition, binary(0));
    if (!take("?")) return condition;
    ExpressionRef out = make(Expression::Kind::kChoice);
    out->operands.push_back(std::move(condition));
    if (is(":")) return unexpected();
    LOGSTONE_ASSIGN(ExpressionRef yes, choice());
    out->operands.push_back(std::move(yes));
    LOGSTONE_TRY(expect(":"));
    LOGSTONE_ASSIGN(ExpressionRef no, choice());
    out->operands.push_back(std::move(no));
    return out;
  }

  [[nodiscard]] const Operator* operator_here() const {
    if (peek().kind != Token::Kind::kSymbol && peek().kind != Token::Kind::kName) return nullptr;
    const auto it =
        std::find_if(kOperators.begin(), kOperators.end(), [&](const Operator& o) { return o.text == peek().text; });
    return it == kOperators.end() ? nullptr : &*it;
  }

  Result<ExpressionRef> binary(int least) {
    const Level level(depth_);
    if (depth_ > kMaxDepth) return at_place(peek().at, "nested too deep");
    LOGSTONE_ASSIGN(ExpressionRef left, unary());
    for (;;) {
      bool negated = false;
      const Operator* op = operator_here();
      if (op == nullptr && peek().kind == Token::Kind::kName && peek().text == "not" &&
          peek(1).kind == Token::Kind::kName) {
        ++next_;
        negated = true;
        op = operator_here();
        if (op == nullptr) return unexpected();
      }
      if (op == nullptr || op->precedence < least) return left;
      if (++links_ > kMaxLinks) return at_place(peek().at, "too many operators");
      ++next_;
      LOGSTONE_ASSIGN(ExpressionRef right, binary(op->right ? op->precedence : op->precedence + 1));
      ExpressionRef joined = make(Expression::Kind::kBinary, std::string(op->text));
      joined->operands.push_back(std::move(left));
      joined->operands.push_back(std::move(right));
      left = std::move(joined);
      if (negated) {
        ExpressionRef inverse = make(Expression::Kind::kUnary, "!");
        inverse->operands.push_back(std::move(left));
        left = std::move(inverse);
      }
    }
  }

  Result<ExpressionRef> unary() {
    const Level level(depth_);
    if (depth_ > kMaxDepth) return at_place(peek().at, "nested too deep");
    const bool word_not = peek().kind == Token::Kind::kName && peek().text == "not";
    if (word_not || is("!") || is("-") || is("+")) {
      const std::string op = word_not ? "!" : peek().text;
      ++next_;
      LOGSTONE_ASSIGN(ExpressionRef operand, op == "!" ? binary(50) : binary(90));
      ExpressionRef out = make(Expression::Kind::kUnary, op);
      out->operands.push_back(std::move(operand));
      return out;
    }
    LOGSTONE_ASSIGN(ExpressionRef out, primary());
    return postfix(std::move(out));
  }

  Result<ExpressionRef> postfix(ExpressionRef out) {
    for (;;) {
      if (++links_ > kMaxLinks) return at_place(peek().at, "too many parts");
      if (take(".") || take("?.")) {
        if (peek().kind != Token::Kind::kName) return unexpected();
        const std::string name = tokens_[next_++].text;
        if (is("(")) {
          if (out->kind != Expression::Kind::kName || out->text != "sprig") {
            return at_place(peek().at, "." + name + "() is not supported; only sprig's functions have a dot");
          }
          LOGSTONE_ASSIGN(out, call("sprig." + name));
          continue;
        }
        ExpressionRef member = make(Expression::Kind::kMember, name);
        member->operands.push_back(std::move(out));
        out = std::move(member);
      } else if (take("[")) {
        LOGSTONE_ASSIGN(out, index(std::move(out)));
      } else if (take("|")) {
        if (peek().kind != Token::Kind::kName || peek(1).text != "(") return unexpected();
        const std::string name = tokens_[next_++].text;
        LOGSTONE_ASSIGN(ExpressionRef piped, call(name));
        piped->operands.insert(piped->operands.begin(), std::move(out));
        out = std::move(piped);
      } else {
        return out;
      }
    }
  }

  Result<ExpressionRef> index(ExpressionRef of) {
    ExpressionRef from;
    if (!is(":")) {
      LOGSTONE_ASSIGN(from, choice());
    }
    if (!take(":")) {
      LOGSTONE_TRY(expect("]"));
      ExpressionRef out = make(Expression::Kind::kIndex);
      out->operands.push_back(std::move(of));
      out->operands.push_back(std::move(from));
      return out;
    }
    ExpressionRef to;
    if (!is("]")) {
      LOGSTONE_ASSIGN(to, choice());
    }
    LOGSTONE_TRY(expect("]"));
    ExpressionRef out = make(Expression::Kind::kSlice);
    out->operands.push_back(std::move(of));
    out->operands.push_back(std::move(from));
    out->operands.push_back(std::move(to));
    return out;
  }

  Result<ExpressionRef> call(const std::string& name) {
    const std::size_t at = peek().at;
    if (!is_function(name)) {
      return at_place(at, "the function " + name.substr(0, 100) + " is not supported by the local engine");
    }
    LOGSTONE_TRY(expect("("));
    ExpressionRef out = make(Expression::Kind::kCall, name);
    while (!take(")")) {
      if (!out->operands.empty()) LOGSTONE_TRY(expect(","));
      const bool closure = takes_closure(name) && !out->operands.empty();
      if (closure) ++closures_;
      const bool braces = closure && take("{");
      LOGSTONE_ASSIGN(ExpressionRef argument, choice());
      if (braces) LOGSTONE_TRY(expect("}"));
      if (closure) --closures_;
      out->operands.push_back(std::move(argument));
    }
    if (takes_closure(name) && out->operands.size() != 2) {
      return at_place(at, name + " takes a list and a condition in braces: " + name + "(list, {# > 1})");
    }
    return out;
  }

  Result<ExpressionRef> primary() {
    const Token& token = peek();
    if (token.kind == Token::Kind::kNumber) return number();
    if (token.kind == Token::Kind::kString) {
      ExpressionRef out = make(Expression::Kind::kLiteral);
      out->literal = token.text;
      ++next_;
      return out;
    }
    if (token.kind == Token::Kind::kName) {
      if (peek(1).kind == Token::Kind::kSymbol && peek(1).text == "(") {
        ++next_;
        return call(token.text);
      }
      if (token.text == "let") return at_place(token.at, "`let` is not supported by the local engine");
      ++next_;
      ExpressionRef out = make(Expression::Kind::kLiteral);
      if (token.text == "true" || token.text == "false") {
        out->literal = token.text == "true";
      } else if (token.text != "nil") {
        out->kind = Expression::Kind::kName;
        out->text = token.text;
      }
      return out;
    }
    if (take("(")) {
      LOGSTONE_ASSIGN(ExpressionRef out, choice());
      LOGSTONE_TRY(expect(")"));
      return out;
    }
    if (take("[")) {
      ExpressionRef out = make(Expression::Kind::kList);
      while (!take("]")) {
        if (!out->operands.empty()) LOGSTONE_TRY(expect(","));
        if (!out->operands.empty() && take("]")) break;
        LOGSTONE_ASSIGN(ExpressionRef item, choice());
        out->operands.push_back(std::move(item));
      }
      return out;
    }
    if (take("{")) return map();
    if (closures_ > 0 && take("#")) return make(Expression::Kind::kClosure);
    if (closures_ > 0 && is(".")) return make(Expression::Kind::kClosure);  // `.name` is `#.name`
    return unexpected();
  }

  Result<ExpressionRef> map() {
    ExpressionRef out = make(Expression::Kind::kMap);
    while (!take("}")) {
      if (!out->operands.empty()) LOGSTONE_TRY(expect(","));
      if (!out->operands.empty() && take("}")) break;
      ExpressionRef key;
      if (peek().kind == Token::Kind::kName || peek().kind == Token::Kind::kString) {
        key = make(Expression::Kind::kLiteral);
        key->literal = tokens_[next_++].text;
      } else if (take("(")) {
        LOGSTONE_ASSIGN(key, choice());
        LOGSTONE_TRY(expect(")"));
      } else {
        return unexpected();
      }
      LOGSTONE_TRY(expect(":"));
      LOGSTONE_ASSIGN(ExpressionRef value, choice());
      out->operands.push_back(std::move(key));
      out->operands.push_back(std::move(value));
    }
    return out;
  }

  Result<ExpressionRef> number() {
    const Token& token = tokens_[next_++];
    ExpressionRef out = make(Expression::Kind::kLiteral);
    const bool hex = token.text.starts_with("0x") || token.text.starts_with("0X");
    const char* begin = token.text.data() + (hex ? 2 : 0);
    const char* end = token.text.data() + token.text.size();
    std::int64_t integer = 0;
    const auto whole = std::from_chars(begin, end, integer, hex ? 16 : 10);
    if (whole.ec == std::errc() && whole.ptr == end) {
      out->literal = integer;
      return out;
    }
    double real = 0;
    const auto parsed = std::from_chars(begin, end, real);
    if (hex || parsed.ec != std::errc() || parsed.ptr != end) {
      return at_place(token.at, "`" + token.text.substr(0, 50) + "` is no number");
    }
    out->literal = real;
    return out;
  }

  std::vector<Token> tokens_;
  std::size_t next_ = 0;
  int depth_ = 0;
  int links_ = 0;  // operators and members: they make the tree deep without nesting in the text
  int closures_ = 0;
};

}  // namespace

Result<ExpressionRef> parse_expression(std::string_view text) {
  if (text.size() > kMaxBytes) return expression_error("it has more than 64 KiB");
  LOGSTONE_ASSIGN(std::vector<Token> tokens, Lexer(text).tokens());
  return Parser(std::move(tokens)).whole();
}

std::string constant_path(const Expression& expression) {
  switch (expression.kind) {
    case Expression::Kind::kName:
      return expression.text;
    case Expression::Kind::kMember:
    case Expression::Kind::kIndex: {
      std::string base = constant_path(*expression.operands[0]);
      if (base.empty()) return "";
      if (expression.kind == Expression::Kind::kMember) return base + "." + expression.text;
      const Expression& key = *expression.operands[1];
      if (key.kind != Expression::Kind::kLiteral || !key.literal.is_string()) return "";
      return base + "." + key.literal.get<std::string>();
    }
    default:
      return "";
  }
}

}  // namespace logstone::local
