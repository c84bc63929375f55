#include "cli/api_client.h"

#include <curl/curl.h>

#include <cctype>
#include <memory>
#include <nlohmann/json.hpp>

namespace logstone::cli {
namespace {

using Handle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using Headers = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

struct Answer {
  CURL* handle;
  const std::function<bool(std::string_view)>* take;
  std::string error_body;
  bool ended_by_us = false;
};

std::size_t receive(char* bytes, std::size_t, std::size_t count, void* context) {
  auto& answer = *static_cast<Answer*>(context);
  long status = 0;
  curl_easy_getinfo(answer.handle, CURLINFO_RESPONSE_CODE, &status);
  if (status >= 400) {
    if (answer.error_body.size() < 1 << 20) answer.error_body.append(bytes, count);
    return count;
  }
  if ((*answer.take)(std::string_view(bytes, count))) return count;
  answer.ended_by_us = true;
  return 0;
}

ErrorKind kind_of(long status) {
  switch (status) {
    case 404:
    case 410:
      return ErrorKind::kNotFound;
    case 409:
      return ErrorKind::kConflict;
    case 401:
    case 403:
      return ErrorKind::kForbidden;
    case 429:
    case 502:
    case 503:
    case 504:
      return ErrorKind::kUnavailable;
    case 501:
      return ErrorKind::kUnsupported;
    case 507:
      return ErrorKind::kOutOfSpace;
    default:
      return status < 500 ? ErrorKind::kInvalidInput : ErrorKind::kInternal;
  }
}

Error problem(long status, const std::string& body, const std::string& method, const std::string& path) {
  Error error{kind_of(status), method, path, body.empty() ? "HTTP status " + std::to_string(status) : body, ""};
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (json.is_object()) {
    // The server's sentence is whole: it needs no second "attempted" before it.
    error.attempted.clear();
    error.subject.clear();
    error.reason = json.value("detail", json.value("title", error.reason));
    error.advice = json.value("advice", "");
    for (const auto& place : json.value("tried", nlohmann::json::array())) {
      if (place.is_string()) error.reason += "\n  " + place.get<std::string>();
    }
    if (json.contains("tried") && !error.advice.empty()) error.advice.insert(0, "\n");
    // 500 stands for damage too, which a script tells from a failure by the exit code.
    if (json.value("title", "") == to_string(ErrorKind::kCorrupt)) error.kind = ErrorKind::kCorrupt;
  }
  return error;
}

Result<> perform(const std::string& url, const std::string& socket, const std::string& method, const std::string& path,
                 const std::string* body, const std::function<bool(std::string_view)>& take) {
  static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
  const Handle handle(global == CURLE_OK ? curl_easy_init() : nullptr, &curl_easy_cleanup);
  if (!handle) return Error{ErrorKind::kInternal, method, path, "libcurl cannot start", ""};
  Headers headers(nullptr, &curl_slist_free_all);
  const auto add_header = [&](const std::string& line) {
    curl_slist* longer = curl_slist_append(headers.get(), line.c_str());
    (void)headers.release();
    headers.reset(longer);
  };
  if (body != nullptr) add_header("Content-Type: application/json");
  Answer answer{handle.get(), &take, {}};
  const std::string whole = (url.empty() ? "http://localhost" : url) + path;
  curl_easy_setopt(handle.get(), CURLOPT_URL, whole.c_str());
  curl_easy_setopt(handle.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  if (!socket.empty()) curl_easy_setopt(handle.get(), CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
  curl_easy_setopt(handle.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle.get(), CURLOPT_CONNECTTIMEOUT, 10L);
  curl_easy_setopt(handle.get(), CURLOPT_BUFFERSIZE, 256L * 1024);
  curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, &receive);
  curl_easy_setopt(handle.get(), CURLOPT_WRITEDATA, &answer);
  if (body != nullptr) {
    curl_easy_setopt(handle.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(body->size()));
    curl_easy_setopt(handle.get(), CURLOPT_COPYPOSTFIELDS, body->c_str());
  }
  curl_easy_setopt(handle.get(), CURLOPT_CUSTOMREQUEST, method.c_str());
  curl_easy_setopt(handle.get(), CURLOPT_HTTPHEADER, headers.get());
  const CURLcode code = curl_easy_perform(handle.get());
  if (answer.ended_by_us) return {};
  if (code == CURLE_PARTIAL_FILE) {
    return Error{ErrorKind::kCancelled, "read the answer to", path, "the server cut it off",
                 "it ended, or the stored bytes are damaged: `logstone verify` tells"};
  }
  if (code != CURLE_OK) {
    return Error{ErrorKind::kUnavailable, "ask the server at", socket.empty() ? url : socket, curl_easy_strerror(code),
                 code == CURLE_COULDNT_CONNECT ? "is it running? `logstone up` starts one" : ""};
  }
  long status = 0;
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status >= 400) return problem(status, answer.error_body, method, path);
  return {};
}

}  // namespace

bool concerns_one_log(const Error& error) {
  return error.kind == ErrorKind::kCorrupt || error.kind == ErrorKind::kNotFound || error.kind == ErrorKind::kCancelled;
}

std::string encode(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return out;
}

std::string workflow_path(const std::string& reference) { return "/api/v1/workflows/" + encode(reference); }

Query& Query::add(const std::string& name, const std::string& value) {
  if (!value.empty()) text_ += (text_.empty() ? "?" : "&") + name + "=" + encode(value);
  return *this;
}

Result<nlohmann::json> ApiClient::get(const std::string& path) const {
  std::string body;
  LOGSTONE_TRY(perform(url_, socket_, "GET", path, nullptr, [&](std::string_view bytes) {
    body += bytes;
    return true;
  }));
  auto json = nlohmann::json::parse(body, nullptr, false);
  if (json.is_discarded()) {
    return Error{ErrorKind::kUnavailable, "read the server's answer to", path, "it is not JSON",
                 "is it a Logstone server?"};
  }
  return json;
}

Result<nlohmann::json> ApiClient::send(const std::string& method, const std::string& path,
                                       const nlohmann::json& body) const {
  std::string text;
  try {
    text = body.dump();
  } catch (const nlohmann::json::exception&) {
    return Error{ErrorKind::kInvalidInput, "send", "what was given", "it is not UTF-8 text", ""};
  }
  std::string answer;
  LOGSTONE_TRY(perform(url_, socket_, method, path, &text, [&](std::string_view bytes) {
    answer += bytes;
    return true;
  }));
  auto json = nlohmann::json::parse(answer, nullptr, false);
  if (json.is_discarded()) json = nullptr;  // 204: there is no body.
  return json;
}

Result<> ApiClient::stream(const std::string& path, const std::function<bool(std::string_view)>& take) const {
  return perform(url_, socket_, "GET", path, nullptr, take);
}

}  // namespace logstone::cli
