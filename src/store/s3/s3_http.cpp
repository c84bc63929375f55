#include "store/s3/s3_http.h"

#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <new>

namespace logstone::s3 {
namespace {

constexpr std::size_t kMostIdleHandles = 16;
constexpr std::size_t kMostHeaderBytes = 256 << 10;
constexpr long kLeastBytesPerSecond = 1024;

struct Receiver {
  Answer answer;
  std::uint64_t most_bytes = 0;
  std::size_t header_bytes = 0;
  bool too_long = false;
  bool no_memory = false;
};

std::size_t take_body(char* data, std::size_t, std::size_t count, void* user) {
  auto& receiver = *static_cast<Receiver*>(user);
  if (receiver.answer.body.size() + count > receiver.most_bytes) {
    receiver.too_long = true;
    return 0;
  }
  try {
    receiver.answer.body.append(data, count);
  } catch (const std::bad_alloc&) {
    receiver.no_memory = true;
    return 0;
  }
  return count;
}

std::size_t take_header(char* data, std::size_t, std::size_t count, void* user) {
  auto& receiver = *static_cast<Receiver*>(user);
  receiver.header_bytes += count;
  if (receiver.header_bytes > kMostHeaderBytes) {
    receiver.too_long = true;
    return 0;
  }
  const std::string_view line(data, count);
  if (line.starts_with("HTTP/")) receiver.answer.headers.clear();
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return count;
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && static_cast<unsigned char>(value.back()) <= ' ') value.remove_suffix(1);
  receiver.answer.headers[name] = value;
  return count;
}

std::string origin_of(const std::string& url) {
  const std::size_t host = url.find("://");
  return host == std::string::npos ? url : url.substr(0, url.find_first_of("/?", host + 3));
}

Error transport_error(CURLcode code, const char* details, const Receiver& receiver, const HttpRequest& request) {
  const std::string reason = details[0] != '\0' ? details : curl_easy_strerror(code);
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return {ErrorKind::kInvalidInput, "", "", reason, "Correct the store's endpoint."};
    case CURLE_SSL_CACERT_BADFILE:
      return {ErrorKind::kInvalidInput, "", "", reason, "The file of `ca=` must hold PEM certificates."};
    case CURLE_PEER_FAILED_VERIFICATION:
      return {ErrorKind::kForbidden, "", "", reason,
              "Name the authority's certificate with `ca=FILE` in the store's URL."};
    case CURLE_WRITE_ERROR:
      if (receiver.too_long) {
        return {ErrorKind::kCorrupt, "", "", "the answer is longer than what was asked for", ""};
      }
      if (receiver.no_memory) return {ErrorKind::kUnavailable, "", "", "there is no memory for the answer", ""};
      break;
    default:
      break;
  }
  return {ErrorKind::kUnavailable, "", "", reason,
          "Check that " + origin_of(request.url) + " is up and can be reached from here."};
}

}  // namespace

std::string Answer::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

std::string percent_encode(std::string_view text, bool keep_slashes) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
                       byte == '-' || byte == '.' || byte == '_' || byte == '~' || (byte == '/' && keep_slashes);
    if (plain) {
      out += c;
    } else {
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return out;
}

HttpConnections::HttpConnections() {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(ready);
}

HttpConnections::~HttpConnections() {
  for (void* handle : idle_) curl_easy_cleanup(handle);
}

void* HttpConnections::take() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return curl_easy_init();
  void* handle = idle_.back();
  idle_.pop_back();
  return handle;
}

void HttpConnections::give_back(void* handle, bool broken) {
  if (!broken) {
    curl_easy_reset(handle);
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kMostIdleHandles) {
      idle_.push_back(handle);
      return;
    }
  }
  curl_easy_cleanup(handle);
}

Result<Answer> HttpConnections::send(const HttpRequest& request) {
  CURL* curl = take();
  if (curl == nullptr) return Error{ErrorKind::kUnavailable, "", "", "libcurl has no memory for a request", ""};
  bool broken = true;
  const auto give = [&](void* handle) { give_back(handle, broken); };
  const std::unique_ptr<void, decltype(give)> owner(curl, give);

  curl_slist* list = nullptr;
  const auto add = [&list](const std::string& header) { list = curl_slist_append(list, header.c_str()); };
  for (const std::string& header : request.headers) add(header);
  add("Accept:");
  // A body is sent at once: not every server answers the question whether it may come.
  const bool sends = request.method == "PUT" || request.method == "POST";
  if (sends) add("Expect:");
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(list, &curl_slist_free_all);

  Receiver receiver;
  receiver.most_bytes = request.most_bytes;
  char details[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, details);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &receiver);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &receiver);
  curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 256L * 1024);
  curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 256L * 1024);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, kLeastBytesPerSecond);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.stall_timeout.count()));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(request.total_timeout.count()));
  curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
  if (request.no_proxy) curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  if (!request.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, request.ca_file.c_str());
  if (sends) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.empty() ? "" : request.body.data());
  } else if (request.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  }
  if (request.method == "PUT" || request.method == "DELETE") {
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }

  const CURLcode code = curl_easy_perform(curl);
  if (code != CURLE_OK) return transport_error(code, details, receiver, request);
  broken = false;
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  receiver.answer.status = static_cast<int>(status);
  return std::move(receiver.answer);
}

}  // namespace logstone::s3
