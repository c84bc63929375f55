#include "serve/router.h"

#include <algorithm>

#include "serve/wire_format.h"

namespace logstone::http {
namespace {

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    path.remove_prefix(1);  // The '/' before each part.
    const std::size_t end = std::min(path.find('/'), path.size());
    parts.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return parts;
}

const char* name_of(Method method) {
  switch (method) {
    case Method::kGet:
      return "GET, HEAD";
    case Method::kHead:
      return "HEAD";
    case Method::kPut:
      return "PUT";
    case Method::kPost:
      return "POST";
    case Method::kDelete:
      return "DELETE";
    case Method::kOther:
      return "";
  }
  return "";
}

bool is_capture(std::string_view part) { return part.size() > 1 && part.front() == '{'; }

bool changes_state(Method method) { return method != Method::kGet && method != Method::kHead; }

/// A page of another site can make a browser POST, but not with this type unless we agreed to it (we never do).
bool is_json(std::string_view content_type) {
  std::string type = lower_case(content_type.substr(0, content_type.find(';')));
  while (!type.empty() && type.back() == ' ') type.pop_back();
  return type == "application/json";
}

}  // namespace

void Router::add(Method method, std::string pattern, std::initializer_list<std::string_view> parameters, Handle handle,
                 Explain explain) {
  Rule rule{method, std::move(pattern), {}, parameters, std::move(handle), std::move(explain)};
  for (std::string_view part : split(rule.pattern)) rule.parts.emplace_back(part);
  rules_.push_back(std::move(rule));
}

Response Router::answer(const Request& request) const {
  const Method method = request.method == Method::kHead ? Method::kGet : request.method;
  const std::vector<std::string_view> parts = split(request.path);
  std::string allowed;
  for (const Rule& rule : rules_) {
    if (rule.parts.size() != parts.size()) continue;
    bool fits = true;
    for (std::size_t i = 0; fits && i < parts.size(); ++i) {
      fits = is_capture(rule.parts[i]) ? !parts[i].empty() : parts[i] == rule.parts[i];
    }
    if (!fits) continue;
    if (rule.method != method) {
      allowed += (allowed.empty() ? "" : ", ") + std::string(name_of(rule.method));
      continue;
    }
    Response response;
    if (changes_state(method) && !is_json(request.header("content-type"))) {
      response = problem_response(
          415, Error{ErrorKind::kInvalidInput, request.method_name, request.path,
                     "the request is not `Content-Type: application/json`", "Send that header, even without a body."});
    } else {
      auto result = run(rule, request, parts);
      response = result         ? *std::move(result)
                 : rule.explain ? rule.explain(result.error())
                                : problem_response(result.error());
    }
    response.route = rule.pattern;
    return response;
  }
  Response response;
  if (allowed.empty()) {
    response = problem_response(Error{ErrorKind::kNotFound, "find", request.path.substr(0, 200), "no such path",
                                      "/openapi.yaml describes those that exist."});
  } else {
    response = problem_response(405, Error{ErrorKind::kInvalidInput, request.method_name, request.path.substr(0, 200),
                                           "this path does not take that method", "Allowed: " + allowed + "."});
    response.set("Allow", allowed);
  }
  response.route = "none";
  return response;
}

Result<Response> Router::run(const Rule& rule, const Request& request,
                             const std::vector<std::string_view>& parts) const {
  Call call{request, {}, {}};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!is_capture(rule.parts[i])) continue;
    LOGSTONE_ASSIGN(std::string part, percent_decode(parts[i], false));
    call.captures.push_back(std::move(part));
  }
  LOGSTONE_ASSIGN(call.query, Query::parse(request.query, rule.parameters));
  return rule.handle(call);
}

}  // namespace logstone::http
