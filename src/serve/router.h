// Finds the handler of a request by its method and path.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "serve/http.h"
#include "serve/query.h"

namespace logstone::http {

/// A request as a rule's handler gets it: path and query decoded.
struct Call {
  const Request& request;
  std::vector<std::string> captures;  ///< What stood for `{...}` in the pattern, in order.
  Query query;
};

class Router {
 public:
  using Handle = std::function<Result<Response>(const Call&)>;
  /// How a rule tells its errors; default: problem_response.
  using Explain = std::function<Response(const Error&)>;

  /// Patterns as in OpenAPI: `/api/v1/workflows/{ref}`. `parameters`: the query's known ones. GET answers HEAD too.
  void add(Method method, std::string pattern, std::initializer_list<std::string_view> parameters, Handle handle,
           Explain explain = {});
  [[nodiscard]] Response answer(const Request& request) const;

 private:
  struct Rule {
    Method method;
    std::string pattern;
    std::vector<std::string> parts;
    std::vector<std::string_view> parameters;
    Handle handle;
    Explain explain;
  };
  [[nodiscard]] Result<Response> run(const Rule& rule, const Request& request,
                                     const std::vector<std::string_view>& parts) const;
  std::vector<Rule> rules_;
};

}  // namespace logstone::http
