#include "cli/log_printer.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <thread>

#include "cli/terminal.h"

namespace logstone::cli {
namespace {

constexpr std::size_t kLongestHeldLine = std::size_t{1} << 20;
constexpr auto kLookAgain = std::chrono::milliseconds(500);

Colour label_colour(const std::string& label) {
  static constexpr Colour kColours[] = {Colour::kBlue, Colour::kGreen, Colour::kYellow};
  std::size_t sum = 0;
  for (const char c : label) sum = sum * 31 + static_cast<unsigned char>(c);
  return kColours[sum % std::size(kColours)];
}

/// Cuts bytes into whole lines, each with the label before it.
class Prefixer {
 public:
  explicit Prefixer(const std::string& label) : prefix_(coloured(label + ":", label_colour(label)) + " ") {}
  /// The whole lines so far; a very long one is handed out in parts.
  std::string take(std::string_view bytes) {
    held_ += bytes;
    const std::size_t end = held_.rfind('\n');
    const std::size_t ready = held_.size() >= kLongestHeldLine ? held_.size() : end + 1;  // npos + 1 is 0
    return cut(ready);
  }
  std::string finish() {
    std::string out = cut(held_.size());
    if (!at_line_start_) out += '\n';
    return out;
  }

 private:
  std::string cut(std::size_t ready) {
    std::string out;
    std::string_view rest(held_.data(), ready);
    while (!rest.empty()) {
      const std::size_t newline = rest.find('\n');
      const std::string_view line = rest.substr(0, newline == std::string_view::npos ? rest.size() : newline + 1);
      if (at_line_start_) out += prefix_;
      out += line;
      at_line_start_ = line.back() == '\n';
      rest.remove_prefix(line.size());
    }
    held_.erase(0, ready);
    return out;
  }

  const std::string prefix_;
  std::string held_;
  bool at_line_start_ = true;
};

}  // namespace

bool LogPrinter::print_lines(const std::string& lines) {
  const std::lock_guard lock(output_);
  return write_out(lines);
}

Query LogPrinter::selection() const {
  Query query;
  if (options_.follow) query.add("follow", "true");
  if (options_.timestamps) query.add("timestamps", "true");
  query.add("tail", options_.tail).add("since", options_.since).add("until", options_.until);
  return query;
}

Result<> LogPrinter::print(const ChosenStream& stream) {
  return print_path(workflow_path(uid_) + "/log/" + encode(stream.key) + selection().text(), stream.label);
}

Result<> LogPrinter::print_pod(const std::string& pod, const std::string& container) {
  const std::size_t slash = pod.find('/');
  const std::string name = slash == std::string::npos ? pod : pod.substr(slash + 1);
  Query query = selection();
  query.add("namespace", slash == std::string::npos ? "" : pod.substr(0, slash)).add("container", container);
  return print_path("/api/v1/pods/" + encode(name) + "/log" + query.text(), name);
}

Result<> LogPrinter::print_path(const std::string& path, const std::string& label) {
  if (!options_.prefix) {
    return client_.stream(path, [](std::string_view bytes) { return write_out(bytes); });
  }
  Prefixer prefixer(label);
  LOGSTONE_TRY(client_.stream(path, [&](std::string_view bytes) { return print_lines(prefixer.take(bytes)); }));
  (void)print_lines(prefixer.finish());
  return {};
}

Result<> LogPrinter::follow_all(const StreamWish& wish) {
  std::set<std::string> begun;
  std::vector<std::jthread> printers;
  std::mutex failure_mutex;
  std::optional<Error> failure;
  while (true) {
    // Asked before the streams are looked at: what begins after this answer is found by the next look.
    auto workflow = client_.get(workflow_path(uid_));
    if (!workflow) return std::move(workflow).error();
    for (const auto& stream : choose_streams(*workflow, wish)) {
      if (!begun.insert(stream.key).second) continue;
      printers.emplace_back([this, stream, &failure_mutex, &failure] {
        if (auto printed = print(stream); !printed) {
          const std::lock_guard lock(failure_mutex);
          failure = printed.error();
        }
      });
    }
    const std::string state = workflow->value("state", "");
    if (state != "running" && state != "finished") break;
    {
      const std::lock_guard lock(failure_mutex);
      if (failure) break;
    }
    std::this_thread::sleep_for(kLookAgain);
  }
  printers.clear();
  if (failure) return *failure;
  return {};
}

}  // namespace logstone::cli
