// withItems, withParam, withSequence.
#include <cctype>
#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cluster/local/template_tags.h"

namespace logstone::local {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxRounds = 100'000;
constexpr int kMaxWidth = 64;

Error bad_loop(const std::string& field, const std::string& what, std::string reason, std::string advice = "") {
  return Error{ErrorKind::kInvalidInput, "expand " + field, what.substr(0, 200), std::move(reason), std::move(advice)};
}

std::string text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

LoopItem round_of(const Json& value) {
  LoopItem out;
  out.text = text_of(value);
  out.display = out.text;
  out.scope["item"] = out.text;
  if (value.is_object()) {
    std::map<std::string, std::string> sorted;
    for (const auto& [key, field] : value.items()) {
      out.scope["item." + key] = text_of(field);
      sorted[key] = text_of(field);
    }
    out.display.clear();
    for (const auto& [key, text] : sorted) out.display += (out.display.empty() ? "" : ",") + key + ":" + text;
  }
  return out;
}

Result<std::vector<LoopItem>> rounds_of(const std::string& field, const Json& list, const std::string& text) {
  if (!list.is_array()) return bad_loop(field, text, "must be a JSON list", "Give a list such as [\"a\", \"b\"].");
  if (list.size() > kMaxRounds) return bad_loop(field, text, "more than 100,000 items");
  std::vector<LoopItem> out;
  out.reserve(list.size());
  for (const Json& item : list) out.push_back(round_of(item));
  return out;
}

Result<Json> parse_json(const std::string& field, const std::string& text) {
  // Deep nesting would exhaust the stack; a loop's items need none.
  bool too_deep = false;
  Json json = Json::parse(
      text,
      [&](int depth, Json::parse_event_t, Json&) {
        too_deep = too_deep || depth > 100;
        return !too_deep;
      },
      false);
  if (json.is_discarded() || too_deep) {
    return bad_loop(field, text, text.find("{{") != std::string::npos ? "a tag in it has no value" : "it is not JSON",
                    "Give a JSON list such as [\"a\", \"b\"].");
  }
  return json;
}

Result<std::int64_t> number_of(const std::string& what, const std::string& text) {
  std::int64_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size()) {
    return bad_loop("withSequence", what, "\"" + text.substr(0, 100) + "\" is not a whole number");
  }
  if (value > 1'000'000'000'000 || value < -1'000'000'000'000) {
    return bad_loop("withSequence", what, "the number is too large");
  }
  return value;
}

/// One printf verb for an integer (`%d`, `%02X`, `%o`), and text without other verbs around it.
Result<std::string> formatted(const std::string& format, std::int64_t value) {
  const auto refuse = [&] {
    return bad_loop("withSequence.format", format, "it needs exactly one verb of %d, %x, %X, %o, with a width at most");
  };
  std::string out;
  bool used = false;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      out += format[i];
      continue;
    }
    if (i + 1 < format.size() && format[i + 1] == '%') {
      out += format[++i];
      continue;
    }
    const std::size_t start = i++;
    while (i < format.size() && std::string_view("0-+ #").find(format[i]) != std::string_view::npos) ++i;
    int width = 0;
    while (i < format.size() && std::isdigit(static_cast<unsigned char>(format[i])) != 0) {
      width = width * 10 + (format[i++] - '0');
      if (width > kMaxWidth) return refuse();
    }
    if (used || i >= format.size() || std::string_view("dxXo").find(format[i]) == std::string_view::npos) {
      return refuse();
    }
    if (i - start > 80) return refuse();
    used = true;
    const std::string verb = format.substr(start, i - start) + "ll" + format[i];
    char buffer[128];
    // The verb was checked just above: one integer, a bounded width.
    const int length = std::snprintf(buffer, sizeof buffer, verb.c_str(), static_cast<long long>(value));
    if (length < 0) return refuse();
    out.append(buffer, std::min<std::size_t>(static_cast<std::size_t>(length), sizeof buffer - 1));
  }
  if (!used) return refuse();
  return out;
}

Result<std::vector<LoopItem>> expand_sequence(const Sequence& sequence) {
  std::int64_t start = 0;
  if (!sequence.start.empty()) {
    LOGSTONE_ASSIGN(start, number_of("start", sequence.start));
  }
  std::int64_t end = 0;
  if (!sequence.count.empty()) {
    LOGSTONE_ASSIGN(const std::int64_t count, number_of("count", sequence.count));
    if (count <= 0) return std::vector<LoopItem>{};
    end = start + count - 1;
  } else {
    LOGSTONE_ASSIGN(end, number_of("end", sequence.end));
  }
  const std::int64_t step = start <= end ? 1 : -1;
  if (static_cast<std::size_t>((end - start) * step) >= kMaxRounds) {
    return bad_loop("withSequence", std::to_string(start) + " to " + std::to_string(end), "more than 100,000 items");
  }
  std::vector<LoopItem> out;
  for (std::int64_t value = start;; value += step) {
    std::string text = std::to_string(value);
    if (!sequence.format.empty()) {
      LOGSTONE_ASSIGN(text, formatted(sequence.format, value));
    }
    LoopItem item;
    item.text = text;
    item.display = text;
    item.scope["item"] = std::move(text);
    out.push_back(std::move(item));
    if (value == end) break;
  }
  return out;
}

}  // namespace

Result<std::vector<LoopItem>> expand_loop(const Loop& loop) {
  if (loop.sequence) return expand_sequence(*loop.sequence);
  if (loop.param) {
    LOGSTONE_ASSIGN(const Json list, parse_json("withParam", *loop.param));
    return rounds_of("withParam", list, *loop.param);
  }
  if (!loop.items) return std::vector<LoopItem>{};
  Json list = Json::array();
  for (const std::string& item : *loop.items) {
    LOGSTONE_ASSIGN(Json value, parse_json("withItems", item));
    list.push_back(std::move(value));
  }
  return rounds_of("withItems", list, "its items");
}

}  // namespace logstone::local
