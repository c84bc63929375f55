#include "serve/http.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace logstone::http {

std::string_view Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

Response text_response(int status, std::string text) {
  Response response;
  response.status = status;
  response.set("Content-Type", "text/plain; charset=utf-8");
  response.set("Cache-Control", "no-store");
  response.body = std::move(text);
  return response;
}

Response json_response(int status, std::string body) {
  Response response;
  response.status = status;
  response.set("Content-Type", "application/json");
  response.set("Cache-Control", "no-store");
  response.body = std::move(body);
  return response;
}

Response problem_response(int status, const Error& whole) {
  // A reason of several lines: the first says what happened, each other one place that was tried.
  Error error = whole;
  auto tried = nlohmann::ordered_json::array();
  for (std::size_t line = error.reason.find('\n'); line != std::string::npos;) {
    const std::size_t next = error.reason.find('\n', line + 1);
    const std::size_t end = next == std::string::npos ? error.reason.size() : next;
    if (end > line + 1) tried.push_back(error.reason.substr(line + 1, end - line - 1));
    line = next;
  }
  error.reason.resize(std::min(error.reason.find('\n'), error.reason.size()));
  std::string detail = error.attempted;
  if (!error.subject.empty()) detail += (detail.empty() ? "" : " ") + error.subject;
  if (!error.reason.empty()) detail += (detail.empty() ? "" : ": ") + error.reason;
  nlohmann::ordered_json problem = {
      {"type", "about:blank"}, {"title", to_string(error.kind)}, {"status", status}, {"detail", detail}};
  if (!error.advice.empty()) problem["advice"] = error.advice;
  if (!tried.empty()) problem["tried"] = std::move(tried);
  Response response =
      json_response(status, problem.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  response.headers.front().second = "application/problem+json";
  return response;
}

Response problem_response(const Error& error) { return problem_response(status_of(error.kind), error); }

int status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalidInput:
      return 400;
    case ErrorKind::kForbidden:
      return 403;
    case ErrorKind::kNotFound:
      return 404;
    case ErrorKind::kConflict:
      return 409;
    case ErrorKind::kUnsupported:
      return 501;
    case ErrorKind::kUnavailable:
      return 503;
    case ErrorKind::kCancelled:
      return 503;
    case ErrorKind::kOutOfSpace:
      return 507;
    case ErrorKind::kCorrupt:
      return 500;
    case ErrorKind::kInternal:
      return 500;
  }
  return 500;
}

}  // namespace logstone::http
