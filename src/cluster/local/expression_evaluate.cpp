// expr-lang's evaluation over a scope of texts.
#include <algorithm>
#include <cmath>

#include "cluster/local/expression.h"
#include "cluster/local/expression_tree.h"

namespace logstone::local {

namespace {

constexpr std::size_t kMaxSteps = 200'000;
constexpr std::size_t kMaxTextBytes = std::size_t{16} << 20;
constexpr std::int64_t kMaxRange = 100'000;

const char* type_name(const Value& value) {
  if (value.is_null()) return "nil";
  if (value.is_boolean()) return "a boolean";
  if (value.is_number()) return "a number";
  if (value.is_string()) return "a string";
  return value.is_array() ? "a list" : "a map";
}

bool equal(const Value& a, const Value& b) { return a == b; }

class Evaluator {
 public:
  explicit Evaluator(const Scope& scope) : scope_(scope) {}

  Result<Value> evaluate(const Expression& expression) {
    if (++steps_ > kMaxSteps) return expression_error("it takes too many steps");
    using Kind = Expression::Kind;
    switch (expression.kind) {
      case Kind::kLiteral:
        return expression.literal;
      case Kind::kClosure:
        return items_.empty() ? Result<Value>(expression_error("# stands outside of braces"))
                              : Result<Value>(*items_.back());
      case Kind::kName:
        return named(expression.text);
      case Kind::kMember:
      case Kind::kIndex:
        return member(expression);
      case Kind::kSlice:
        return slice(expression);
      case Kind::kCall:
        return call(expression);
      case Kind::kUnary:
        return unary(expression);
      case Kind::kBinary:
        return binary(expression);
      case Kind::kChoice: {
        LOGSTONE_ASSIGN(const bool yes, truth(*expression.operands[0]));
        return evaluate(*expression.operands[yes ? 1 : 2]);
      }
      case Kind::kList: {
        Value list = Value::array();
        for (const ExpressionRef& operand : expression.operands) {
          LOGSTONE_ASSIGN(Value item, evaluate(*operand));
          list.push_back(std::move(item));
        }
        return list;
      }
      case Kind::kMap: {
        Value map = Value::object();
        for (std::size_t i = 0; i + 1 < expression.operands.size(); i += 2) {
          LOGSTONE_ASSIGN(const Value key, evaluate(*expression.operands[i]));
          LOGSTONE_ASSIGN(Value value, evaluate(*expression.operands[i + 1]));
          map[text_of(key)] = std::move(value);
        }
        return map;
      }
    }
    return expression_error("an unknown part");
  }

 private:
  Result<bool> truth(const Expression& expression) {
    LOGSTONE_ASSIGN(const Value value, evaluate(expression));
    if (value.is_boolean()) return value.get<bool>();
    return expression_error(std::string("true or false is needed, but there is ") + type_name(value),
                            "Values of parameters are strings: compare with == 'true'.");
  }

  /// A value of the scope, or all that lies under the name as a map, or nil.
  Value named(const std::string& path) {
    const std::string prefix = path + ".";
    Value map = Value::object();
    for (auto it = scope_.lower_bound(prefix); it != scope_.end() && it->first.starts_with(prefix); ++it) {
      Value* at = &map;
      std::string_view rest = std::string_view(it->first).substr(prefix.size());
      for (std::size_t dot; (dot = rest.find('.')) != std::string_view::npos; rest.remove_prefix(dot + 1)) {
        Value& next = (*at)[std::string(rest.substr(0, dot))];
        if (!next.is_object()) next = Value::object();
        at = &next;
        ++steps_;
      }
      Value& leaf = (*at)[std::string(rest)];
      if (!leaf.is_object()) leaf = it->second;
      ++steps_;
    }
    if (!map.empty()) return map;
    const auto exact = scope_.find(path);
    return exact == scope_.end() ? Value(nullptr) : Value(exact->second);
  }

  Result<Value> member(const Expression& expression) {
    if (const std::string path = constant_path(expression); !path.empty()) {
      if (const auto exact = scope_.find(path); exact != scope_.end()) return Value(exact->second);
      Value found = named(path);
      if (!found.is_null()) return found;
    }
    LOGSTONE_ASSIGN(const Value of, evaluate(*expression.operands[0]));
    Value key = expression.text;
    if (expression.kind == Expression::Kind::kIndex) {
      LOGSTONE_ASSIGN(key, evaluate(*expression.operands[1]));
    }
    // Where a step did not run there is nothing; `??` and comparisons with nil are told so.
    if (of.is_null()) return Value(nullptr);
    if (of.is_object()) {
      const auto it = of.find(text_of(key));
      return it == of.end() ? Value(nullptr) : *it;
    }
    if (!key.is_number_integer() || (!of.is_array() && !of.is_string())) {
      return expression_error(std::string("cannot take ") + text_of(key).substr(0, 100) + " from " + type_name(of));
    }
    const std::int64_t size =
        static_cast<std::int64_t>(of.is_array() ? of.size() : of.get_ref<const std::string&>().size());
    std::int64_t at = key.get<std::int64_t>();
    if (at < 0) at += size;
    if (at < 0 || at >= size) return expression_error("index " + text_of(key) + " is out of range");
    if (of.is_array()) return of[static_cast<std::size_t>(at)];
    return Value(of.get_ref<const std::string&>().substr(static_cast<std::size_t>(at), 1));
  }

  Result<Value> slice(const Expression& expression) {
    LOGSTONE_ASSIGN(const Value of, evaluate(*expression.operands[0]));
    if (!of.is_array() && !of.is_string())
      return expression_error(std::string("cannot take a slice of ") + type_name(of));
    const std::int64_t size =
        static_cast<std::int64_t>(of.is_array() ? of.size() : of.get_ref<const std::string&>().size());
    std::int64_t bounds[2] = {0, size};
    for (int i = 0; i < 2; ++i) {
      if (!expression.operands[static_cast<std::size_t>(i) + 1]) continue;
      LOGSTONE_ASSIGN(const Value bound, evaluate(*expression.operands[static_cast<std::size_t>(i) + 1]));
      if (!bound.is_number_integer()) return expression_error("a slice's bounds must be whole numbers");
      bounds[i] = bound.get<std::int64_t>();
      if (bounds[i] < 0) bounds[i] += size;
      bounds[i] = std::clamp<std::int64_t>(bounds[i], 0, size);
    }
    const std::int64_t count = std::max<std::int64_t>(0, bounds[1] - bounds[0]);
    if (of.is_string()) {
      return Value(of.get_ref<const std::string&>().substr(static_cast<std::size_t>(bounds[0]),
                                                           static_cast<std::size_t>(count)));
    }
    return Value(Value::array_t(of.begin() + bounds[0], of.begin() + bounds[0] + count));
  }

  Result<Value> call(const Expression& expression) {
    if (takes_closure(expression.text)) return over_list(expression);
    std::vector<Value> arguments;
    for (const ExpressionRef& operand : expression.operands) {
      LOGSTONE_ASSIGN(Value argument, evaluate(*operand));
      arguments.push_back(std::move(argument));
    }
    LOGSTONE_ASSIGN(Value result, call_function(expression.text, arguments));
    steps_ += result.is_array() ? result.size() : 0;
    return result;
  }

  Result<Value> over_list(const Expression& expression) {
    const std::string& name = expression.text;
    LOGSTONE_ASSIGN(Value list, evaluate(*expression.operands[0]));
    if (!list.is_array()) return expression_error(name + " needs a list, but there is " + type_name(list));
    Value out = Value::array();
    std::int64_t matches = 0;
    std::int64_t index = 0;
    for (const Value& item : list) {
      items_.push_back(&item);
      Result<Value> result = evaluate(*expression.operands[1]);
      items_.pop_back();
      if (!result) return result;
      if (name == "map") {
        out.push_back(*std::move(result));
        continue;
      }
      if (!result->is_boolean()) return expression_error("the condition of " + name + " must be true or false");
      if (result->get<bool>()) {
        ++matches;
        if (name == "find") return item;
        if (name == "findIndex") return Value(index);
        if (name == "any") return Value(true);
        out.push_back(item);
      } else if (name == "all") {
        return Value(false);
      }
      ++index;
    }
    if (name == "map" || name == "filter") return out;
    if (name == "count") return Value(matches);
    if (name == "all") return Value(true);
    if (name == "any") return Value(false);
    if (name == "none") return Value(matches == 0);
    if (name == "one") return Value(matches == 1);
    return Value(nullptr);
  }

  Result<Value> unary(const Expression& expression) {
    if (expression.text == "!") {
      LOGSTONE_ASSIGN(const bool value, truth(*expression.operands[0]));
      return Value(!value);
    }
    LOGSTONE_ASSIGN(const Value value, evaluate(*expression.operands[0]));
    if (!value.is_number())
      return expression_error(std::string("a number is needed, but there is ") + type_name(value),
                              "Use asInt or asFloat.");
    if (expression.text == "+") return value;
    if (value.is_number_float()) return Value(-value.get<double>());
    std::int64_t negated = 0;
    if (__builtin_sub_overflow(std::int64_t{0}, value.get<std::int64_t>(), &negated))
      return expression_error("the number is too large");
    return Value(negated);
  }

  Result<Value> binary(const Expression& expression) {
    const std::string& op = expression.text;
    if (op == "&&" || op == "and" || op == "||" || op == "or") {
      LOGSTONE_ASSIGN(const bool left, truth(*expression.operands[0]));
      const bool conjunction = op == "&&" || op == "and";
      if (left != conjunction) return Value(left);
      LOGSTONE_ASSIGN(const bool right, truth(*expression.operands[1]));
      return Value(right);
    }
    LOGSTONE_ASSIGN(Value left, evaluate(*expression.operands[0]));
    if (op == "??" && !left.is_null()) return left;
    LOGSTONE_ASSIGN(Value right, evaluate(*expression.operands[1]));
    if (op == "??") return right;
    if (op == "==") return Value(equal(left, right));
    if (op == "!=") return Value(!equal(left, right));
    if (op == "in") return contained(left, right);
    if (op == "..") return range(left, right);
    if (op == "contains" || op == "startsWith" || op == "endsWith" || op == "matches") return on_texts(op, left, right);
    if (op == "<" || op == ">" || op == "<=" || op == ">=") return ordered(op, left, right);
    if (op == "+" && left.is_string() && right.is_string()) {
      std::string joined = left.get<std::string>() + right.get<std::string>();
      if (joined.size() > kMaxTextBytes) return expression_error("the text grows beyond 16 MiB");
      return Value(std::move(joined));
    }
    return arithmetic(op, left, right);
  }

  static Result<Value> contained(const Value& item, const Value& in) {
    if (in.is_array()) return Value(std::any_of(in.begin(), in.end(), [&](const Value& v) { return equal(v, item); }));
    if (in.is_object()) return Value(in.contains(text_of(item)));
    if (in.is_null()) return Value(false);
    return expression_error(std::string("`in` needs a list or a map, but there is ") + type_name(in));
  }

  static Result<Value> range(const Value& from, const Value& to) {
    if (!from.is_number_integer() || !to.is_number_integer()) return expression_error("`..` needs whole numbers");
    const std::int64_t first = from.get<std::int64_t>();
    const std::int64_t last = to.get<std::int64_t>();
    Value out = Value::array();
    if (last < first) return out;
    std::int64_t span = 0;
    if (__builtin_sub_overflow(last, first, &span) || span >= kMaxRange)
      return expression_error("`..` spans more than 100,000");
    for (std::int64_t i = first; i <= last; ++i) out.push_back(i);
    return out;
  }

  static Result<Value> on_texts(const std::string& op, const Value& left, const Value& right) {
    if (op == "contains" && left.is_array()) return contained(right, left);
    if (!left.is_string() || !right.is_string()) {
      return expression_error("`" + op + "` needs strings, but there is " + type_name(left.is_string() ? right : left));
    }
    const std::string& text = left.get_ref<const std::string&>();
    const std::string& part = right.get_ref<const std::string&>();
    if (op == "contains") return Value(text.find(part) != std::string::npos);
    if (op == "startsWith") return Value(text.starts_with(part));
    if (op == "endsWith") return Value(text.ends_with(part));
    return call_function("sprig.regexMatch", {right, left});
  }

  static Result<Value> ordered(const std::string& op, const Value& left, const Value& right) {
    int order = 0;
    if (left.is_number() && right.is_number()) {
      order = left < right ? -1 : right < left ? 1 : 0;
    } else if (left.is_string() && right.is_string()) {
      order = left.get_ref<const std::string&>().compare(right.get_ref<const std::string&>());
    } else {
      return expression_error("`" + op + "` cannot compare " + type_name(left) + " with " + type_name(right),
                              "Values of parameters are strings: use asInt or asFloat.");
    }
    return Value(op == "<" ? order < 0 : op == ">" ? order > 0 : op == "<=" ? order <= 0 : order >= 0);
  }

  static Result<Value> arithmetic(const std::string& op, const Value& left, const Value& right) {
    if (!left.is_number() || !right.is_number()) {
      return expression_error("`" + op + "` cannot take " + type_name(left) + " and " + type_name(right),
                              "Values of parameters are strings: use asInt, asFloat or string.");
    }
    if (op == "/" || op == "**" || op == "^" || left.is_number_float() || right.is_number_float()) {
      const double a = left.get<double>();
      const double b = right.get<double>();
      if (op == "+") return Value(a + b);
      if (op == "-") return Value(a - b);
      if (op == "*") return Value(a * b);
      if (op == "**" || op == "^") return Value(std::pow(a, b));
      if (op == "%") return expression_error("`%` needs whole numbers");
      if (b == 0) return expression_error("division by zero");
      return Value(a / b);
    }
    const std::int64_t a = left.get<std::int64_t>();
    const std::int64_t b = right.get<std::int64_t>();
    std::int64_t out = 0;
    bool overflow = false;
    if (op == "+") {
      overflow = __builtin_add_overflow(a, b, &out);
    } else if (op == "-") {
      overflow = __builtin_sub_overflow(a, b, &out);
    } else if (op == "*") {
      overflow = __builtin_mul_overflow(a, b, &out);
    } else {
      if (b == 0) return expression_error("division by zero");
      out = b == -1 ? 0 : a % b;
    }
    if (overflow) return expression_error("the number is too large");
    return Value(out);
  }

  const Scope& scope_;
  std::vector<const Value*> items_;
  std::size_t steps_ = 0;
};

void collect_names(const Expression& expression, std::vector<std::string>& names) {
  if (std::string path = constant_path(expression); !path.empty()) {
    if (std::find(names.begin(), names.end(), path) == names.end()) names.push_back(std::move(path));
    return;
  }
  for (const ExpressionRef& operand : expression.operands) {
    if (operand) collect_names(*operand, names);
  }
}

Result<Value> evaluate_text(std::string_view text, const Scope& scope) {
  LOGSTONE_ASSIGN(const ExpressionRef expression, parse_expression(text));
  return Evaluator(scope).evaluate(*expression);
}

/// Names the expression in an error from its inside.
template <class T>
Result<T> told(Result<T> result, std::string_view text) {
  if (!result && result.error().subject.empty()) result.error().subject = text.substr(0, 200);
  return result;
}

}  // namespace

std::string text_of(const Value& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) {
    // As Go prints: 2 for 2.0, and no exponent for everyday sizes.
    const double number = value.get<double>();
    if (std::isfinite(number) && number == std::floor(number) && std::abs(number) < 1e15) {
      return std::to_string(static_cast<std::int64_t>(number));
    }
  }
  return value.dump(-1, ' ', false, Value::error_handler_t::replace);
}

Error expression_error(std::string reason, std::string advice) {
  return Error{ErrorKind::kInvalidInput, "evaluate expression", "", std::move(reason), std::move(advice)};
}

Result<std::string> evaluate_expression(std::string_view expression, const Scope& scope) {
  LOGSTONE_ASSIGN(const Value value, told(evaluate_text(expression, scope), expression));
  if (value.is_null()) {
    return told<std::string>(
        expression_error("it gives nothing (nil)", "A step that it reads may not have run; add ?? 'default'."),
        expression);
  }
  return text_of(value);
}

Result<bool> evaluate_condition(std::string_view expression, const Scope& scope) {
  LOGSTONE_ASSIGN(const Value value, told(evaluate_text(expression, scope), expression));
  if (value.is_boolean()) return value.get<bool>();
  return told<bool>(expression_error(std::string("true or false is needed, but it gives ") + type_name(value)),
                    expression);
}

Result<> check_expression(std::string_view expression) {
  Result<ExpressionRef> parsed = told(parse_expression(expression), expression);
  if (!parsed) return std::move(parsed).error();
  return {};
}

Result<std::vector<std::string>> names_in_expression(std::string_view expression) {
  LOGSTONE_ASSIGN(const ExpressionRef parsed, told(parse_expression(expression), expression));
  std::vector<std::string> names;
  collect_names(*parsed, names);
  return names;
}

}  // namespace logstone::local
