// The parsed form of an expr-lang expression. Inner to the expression evaluator.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cluster/local/template_tags.h"

namespace logstone::local {

/// null is expr-lang's nil.
using Value = nlohmann::json;

struct Expression;
using ExpressionRef = std::unique_ptr<Expression>;

struct Expression {
  enum class Kind {
    kLiteral,  ///< `literal`
    kName,     ///< `text`: a name of the scope
    kClosure,  ///< `#`
    kMember,   ///< operands[0] . text
    kIndex,    ///< operands[0] [ operands[1] ]
    kSlice,    ///< operands[0] [ operands[1] : operands[2] ], either null where left out
    kCall,     ///< text ( operands... ); `text` may be "sprig.trim"
    kUnary,    ///< text operands[0]
    kBinary,   ///< operands[0] text operands[1]
    kChoice,   ///< operands[0] ? operands[1] : operands[2]
    kList,     ///< [ operands... ]
    kMap,      ///< { operands[0]: operands[1], ... }
  };
  Kind kind;
  std::string text;
  Value literal;
  std::vector<ExpressionRef> operands;
};

/// kInvalidInput with the place where it goes wrong.
[[nodiscard]] Result<ExpressionRef> parse_expression(std::string_view text);
/// "inputs.parameters.n" for a chain of constant members that begins with a name; empty for anything else.
[[nodiscard]] std::string constant_path(const Expression& expression);

/// Whether a function of that name exists, closures' (`filter`, `map`, ...) included.
[[nodiscard]] bool is_function(std::string_view name);
/// Whether its last argument is a closure, evaluated once for each element of its first.
[[nodiscard]] bool takes_closure(std::string_view name);
/// All but those that take a closure. `name` must be a function's.
[[nodiscard]] Result<Value> call_function(const std::string& name, const std::vector<Value>& arguments);
[[nodiscard]] Result<Value> evaluate_jsonpath(const Value& root, std::string_view path);

/// As Argo puts a value into a text: strings bare, nil as nothing, lists and maps as JSON.
[[nodiscard]] std::string text_of(const Value& value);
[[nodiscard]] Error expression_error(std::string reason, std::string advice = "");
/// JSON text as a value; fails beyond 100 levels.
[[nodiscard]] Result<Value> value_from_json(std::string_view text);

}  // namespace logstone::local
