// The parts of a request that clients write freely: target, Range, Accept-Encoding, Host. One a line.
#include <cstdlib>
#include <string_view>

#include "serve/negotiation.h"
#include "serve/query.h"
#include "serve/router.h"
#include "serve/wire_format.h"

namespace {

using namespace logstone::http;

void require(bool holds) {
  if (!holds) std::abort();
}

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return line;
}

const Router& router() {
  static const Router built = [] {
    Router router;
    const auto echo = [](const Call& call) -> logstone::Result<Response> {
      std::string text;
      for (const std::string& capture : call.captures) text += capture + "/";
      LOGSTONE_ASSIGN(const bool flag, call.query.flag("flag"));
      LOGSTONE_ASSIGN(const auto number, call.query.number("number", 1, 1000));
      LOGSTONE_ASSIGN(const auto time,
                      call.query.time("time", logstone::from_unix_nanoseconds(1'800'000'000'000'000'000)));
      require(!number || (*number >= 1 && *number <= 1000));
      return text_response(flag || time ? 200 : 204, text + call.query.text("text"));
    };
    router.add(Method::kGet, "/a/{x}", {"flag", "number", "time", "text"}, echo);
    router.add(Method::kGet, "/a/{x}/b/{y}", {"text"}, echo);
    router.add(Method::kPut, "/a/{x}", {}, echo);
    return router;
  }();
  return built;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const std::string_view target = take_line(rest);
  const std::string_view range_header = take_line(rest);
  const std::string_view encodings = take_line(rest);
  const std::string_view host = take_line(rest);

  Request request;
  request.method = target.size() % 3 == 0 ? Method::kPut : Method::kGet;
  request.method_name = "GET";
  request.path = "/" + std::string(target.substr(0, target.find('?')));
  if (target.find('?') != std::string_view::npos) request.query = target.substr(target.find('?') + 1);
  const Response response = router().answer(request);
  require(response.status >= 200 && response.status < 500);
  const std::string head = response_head(response, {});
  require(head.find("\r\n\r\n") == head.size() - 4);
  if (const auto decoded = percent_decode(target, true)) {
    for (char c : *decoded) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  }
  for (const std::uint64_t bytes : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1000}, UINT64_MAX}) {
    const ByteRange range = choose_range(range_header, bytes);
    if (range.kind == ByteRange::Kind::kPart) require(range.first < range.end && range.end <= bytes);
  }
  (void)choose_encoding(encodings);
  require(host_name(host).size() <= host.size());
  return 0;
}
