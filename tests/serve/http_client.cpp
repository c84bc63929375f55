#include "tests/serve/http_client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>

namespace logstone::testing {
namespace {

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* answer) {
  static_cast<Answer*>(answer)->body.append(data, size * count);
  return size * count;
}

std::size_t take_header(char* data, std::size_t size, std::size_t count, void* answer) {
  const std::string_view line(data, size * count);
  const std::size_t colon = line.find(':');
  if (colon != std::string_view::npos) {
    std::string name(line.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    while (!value.empty() && (value.back() == '\n' || value.back() == '\r')) value.remove_suffix(1);
    static_cast<Answer*>(answer)->headers[name] = value;
  }
  return size * count;
}

Answer perform(const std::string& url, const std::string& socket, const Ask& what) {
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  Answer answer;
  CURL* curl = curl_easy_init();
  if (!ready || curl == nullptr) {
    answer.curl_code = -1;
    return answer;
  }
  curl_slist* headers = nullptr;
  for (const std::string& header : what.headers) headers = curl_slist_append(headers, header.c_str());
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer);
  if (!socket.empty()) curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
  if (what.decode) curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
  if (what.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  } else if (what.method != "GET") {
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, what.method.c_str());
  }
  if (what.send_body) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(what.body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, what.body.c_str());
  }
  answer.curl_code = curl_easy_perform(curl);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  curl_slist_free_all(headers);
  curl_easy_cleanup(curl);
  return answer;
}

}  // namespace

Answer ask(std::uint16_t port, const std::string& path, const Ask& what) {
  return perform("http://127.0.0.1:" + std::to_string(port) + path, {}, what);
}

Answer ask_unix(const std::string& socket, const std::string& path) {
  return perform("http://localhost" + path, socket, {});
}

Answer change(std::uint16_t port, const std::string& method, const std::string& path, const std::string& body) {
  return ask(port, path, {method, {"Content-Type: application/json"}, body, true, false});
}

RawConnection::RawConnection(std::uint16_t port, int receive_buffer)
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (receive_buffer > 0) ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
}

bool RawConnection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool RawConnection::read_some() {
  pollfd wait{fd_.get(), POLLIN, 0};
  if (::poll(&wait, 1, 30'000) != 1) return false;
  char buffer[64 * 1024];
  const auto got = ::recv(fd_.get(), buffer, sizeof buffer, 0);
  if (got <= 0) return false;
  all.append(buffer, static_cast<std::size_t>(got));
  return true;
}

bool RawConnection::read_until(std::string_view part) {
  std::size_t searched = 0;
  while (all.find(part, searched) == std::string::npos) {
    searched = all.size() - std::min(all.size(), part.size());
    if (!read_some()) return false;
  }
  return true;
}

bool RawConnection::read_to_end() {
  while (read_some()) {
  }
  pollfd wait{fd_.get(), POLLIN, 0};
  return ::poll(&wait, 1, 0) == 1;  // Closed, not timed out.
}

void RawConnection::end_sending() { ::shutdown(fd_.get(), SHUT_WR); }

std::unique_ptr<Server> start_server(Backend& backend, ServerSettings settings) {
  settings.port = 0;
  auto server = Server::start(backend, std::move(settings));
  if (!server) {
    ADD_FAILURE() << server.error().message();
    std::abort();
  }
  return *std::move(server);
}

}  // namespace logstone::testing
