// A log as a response: range, encoding and headers.
#include "serve/encoding.h"
#include "serve/negotiation.h"
#include "serve/routes.h"

namespace logstone::serve {

Result<http::Response> answer_log(const http::Request& request, std::shared_ptr<LogView> log,
                                  const LogSelection& selection) {
  LOGSTONE_ASSIGN(LogPlace place, find_place(*log, selection));
  const bool length_known = !selection.follow && !selection.timestamps && !selection.gaps;
  http::Response response;
  std::string_view range_header = request.header("range");
  // Logs have no validator, so that a condition on one never holds.
  if (!length_known || !request.header("if-range").empty()) range_header = {};
  const std::uint64_t begin = place.begin;
  const std::uint64_t size = place.end - std::min(place.end, begin);
  const http::ByteRange range = http::choose_range(range_header, length_known ? size : 0);
  const std::string whole = place.extent.complete ? std::to_string(size) : "*";
  if (!range_header.empty() && range.kind == http::ByteRange::Kind::kUnsatisfiable) {
    response = http::problem_response(
        416, Error{ErrorKind::kInvalidInput, "read range", "`" + std::string(range_header.substr(0, 100)) + "`",
                   "the selection has " + std::to_string(size) + " bytes", "Ask for a range within them."});
    response.set("Content-Range", "bytes */" + std::to_string(size));
    return response;
  }
  if (range.kind == http::ByteRange::Kind::kPart) {
    response.status = 206;
    response.set("Content-Range",
                 "bytes " + std::to_string(range.first) + "-" + std::to_string(range.end - 1) + "/" + whole);
    place.begin = begin + range.first;
    place.end = begin + range.end;
  }
  const http::Encoding encoding =
      response.status == 206 ? http::Encoding::kIdentity : http::choose_encoding(request.header("accept-encoding"));
  response.set("Content-Type", "text/plain");
  response.set("Cache-Control", "no-store");
  response.set("Vary", "Accept-Encoding");
  if (length_known) response.set("Accept-Ranges", "bytes");
  response.set("X-Logstone-Complete", place.extent.complete ? "true" : "false");
  response.set("X-Logstone-Gaps", std::to_string(log->gaps().size()));
  response.set("X-Logstone-Offset", std::to_string(place.begin));
  response.set("X-Logstone-Bytes", std::to_string(place.extent.bytes));
  if (place.extent.lines_known) response.set("X-Logstone-Lines", std::to_string(place.extent.lines));
  if (encoding != http::Encoding::kIdentity) {
    response.set("Content-Encoding", http::to_string(encoding));
  } else if (length_known) {
    response.length = place.end - place.begin;
  }
  LOGSTONE_ASSIGN(auto body, open_log_body(std::move(log), selection, place));
  response.source = http::encode(std::move(body), encoding, selection.follow);
  return response;
}

}  // namespace logstone::serve
