// Logs by their pods' names, for who knows no workflow: the native way, and what it shares with KFP's.
#include "serve/routes.h"

namespace logstone::serve {
namespace {

using http::Call;
using http::Method;
using http::Response;

/// Keys hold what they like; a header does not.
std::string header_text(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f && c != '%') {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

Result<Response> read_log(Backend& backend, const Call& call) {
  PodLogQuery query;
  query.everywhere = true;
  query.pod_name = call.captures[0];
  query.name_space = call.query.text("namespace");
  query.run_id = call.query.text("run");
  query.container = call.query.text("container");
  LOGSTONE_ASSIGN(const auto restart, call.query.number("restart", 0, UINT32_MAX));
  if (restart) query.restart = static_cast<std::uint32_t>(*restart);
  LOGSTONE_ASSIGN(query.created, read_day(call.query, "created"));
  const Timestamp now = Clock::system().now();
  LogSelection selection;
  LOGSTONE_ASSIGN(selection.follow, call.query.flag("follow"));
  LOGSTONE_ASSIGN(selection.timestamps, call.query.flag("timestamps"));
  LOGSTONE_ASSIGN(selection.gaps, call.query.flag("gaps"));
  LOGSTONE_ASSIGN(selection.tail, call.query.number("tail", 0, UINT64_MAX));
  LOGSTONE_ASSIGN(selection.since, call.query.time("since", now));
  LOGSTONE_ASSIGN(selection.until, call.query.time("until", now));
  LOGSTONE_ASSIGN(FoundLog found, backend.find_pod_log(query));
  return answer_found(call.request, std::move(found), selection);
}

}  // namespace

Result<std::optional<std::chrono::year_month_day>> read_day(const http::Query& query, std::string_view name) {
  std::string text = query.text(name);
  if (text.empty()) return std::optional<std::chrono::year_month_day>();
  constexpr std::size_t kDayLength = 10;
  if (text.size() == kDayLength) text += "T00:00:00Z";
  const auto time = parse_rfc3339(text);
  if (!time) return http::bad_parameter(name, "`" + query.text(name) + "` is no day", "Write it as 2026-11-25.");
  return std::optional(std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(*time)));
}

Result<Response> answer_found(const http::Request& request, FoundLog found, const LogSelection& selection) {
  LOGSTONE_ASSIGN(Response response, answer_log(request, std::move(found.log), selection));
  response.set("X-Logstone-Place", found.place);
  if (!found.object.empty()) response.set("X-Logstone-Object", header_text(found.object));
  if (!found.workflow.name.empty()) response.set("X-Logstone-Workflow", header_text(found.workflow.name));
  return response;
}

void add_pod_routes(http::Router& router, Backend& backend) {
  router.add(
      Method::kGet, "/api/v1/pods/{pod}/log",
      {"namespace", "run", "container", "restart", "created", "follow", "timestamps", "gaps", "tail", "since", "until"},
      [&backend](const Call& call) { return read_log(backend, call); });
}

}  // namespace logstone::serve
