#include "store/s3/s3_caller.h"

#include <algorithm>
#include <random>
#include <thread>

#include "base/log.h"
#include "store/s3/s3_answers.h"

namespace logstone::s3 {
namespace {

using SteadyClock = std::chrono::steady_clock;
/// Wrong bytes that come again are not a matter of waiting.
constexpr unsigned kMostTriesAtCorrupt = 4;

std::chrono::milliseconds backoff(const S3Settings& settings, unsigned tries) {
  auto longest = settings.first_backoff;
  for (unsigned i = 1; i < tries && longest < settings.longest_backoff; ++i) longest *= 2;
  longest = std::min(longest, settings.longest_backoff);
  thread_local std::mt19937_64 random{std::random_device{}()};
  return std::chrono::milliseconds(
      std::uniform_int_distribution<std::int64_t>(longest.count() / 2, longest.count())(random));
}

}  // namespace

Caller::Caller(const S3Settings& settings) : settings_(settings), client_(settings), keys_(settings.credentials) {}

std::string Caller::subject(const std::string& path) const {
  return "s3://" + settings_.bucket + (path.empty() ? "" : '/' + path);
}

Result<Answer> Caller::attempt(const Request& request, const Judge& judge) {
  for (bool renewed = false;; renewed = true) {
    LOGSTONE_ASSIGN(const Keys used, keys_.keys());
    ++settings_.metrics->requests;
    settings_.metrics->bytes_sent += request.body.size();
    LOGSTONE_ASSIGN(Answer answer, client_.send(request, used));
    settings_.metrics->bytes_received += answer.body.size();
    if (answer.status >= 200 && answer.status < 300) {
      if (judge) LOGSTONE_TRY(judge(answer));
      return answer;
    }
    if (std::find(request.accepted.begin(), request.accepted.end(), answer.status) != request.accepted.end()) {
      return answer;
    }
    Error error = error_of(answer, settings_);
    if (error.kind != ErrorKind::kForbidden || renewed || !keys_.renew(used)) return error;
  }
}

Result<Caller::Outcome> Caller::call(const std::string& attempted, const Request& request, const Judge& judge) {
  const auto start = SteadyClock::now();
  for (unsigned tries = 1;; ++tries) {
    auto answer = attempt(request, judge);
    if (answer) {
      settings_.metrics->away = false;
      return Outcome{*std::move(answer), tries > 1};
    }
    Error error = std::move(answer).error();
    // What has a subject of its own is about the credentials.
    if (!error.subject.empty()) {
      error.reason = error.attempted + ' ' + error.subject + ": " + error.reason;
    }
    error.attempted = attempted;
    error.subject = subject(request.path);
    const bool again =
        error.kind == ErrorKind::kUnavailable || (error.kind == ErrorKind::kCorrupt && tries < kMostTriesAtCorrupt);
    const auto wait = backoff(settings_, tries);
    const auto taken = std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - start);
    if (error.kind == ErrorKind::kCorrupt) ++settings_.metrics->corrupt_answers;
    // While it is away, every call waiting its full time would hold all threads.
    const bool known_away = error.kind == ErrorKind::kUnavailable && settings_.metrics->away;
    if (!again || known_away || taken + wait > settings_.deadline) {
      settings_.metrics->away = error.kind == ErrorKind::kUnavailable;
      if (error.kind != ErrorKind::kNotFound && error.kind != ErrorKind::kConflict) ++settings_.metrics->failures;
      if (tries > 1) {
        error.reason += "; " + std::to_string(tries) + " tries in " +
                        format_duration(std::chrono::round<std::chrono::seconds>(taken) + std::chrono::seconds(1));
      }
      return error;
    }
    ++settings_.metrics->retries;
    log_debug("S3 request is tried again", {{"subject", error.subject}, {"reason", error.reason}});
    std::this_thread::sleep_for(wait);
  }
}

}  // namespace logstone::s3
