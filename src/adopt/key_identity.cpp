#include "adopt/key_identity.h"

#include <algorithm>
#include <charconv>

namespace logstone::adopt {
namespace {

constexpr std::string_view kCreation = "workflow.creationTimestamp";

std::string value(const TagValues& values, std::string_view name) {
  const auto found = values.find(name);
  return found == values.end() ? "" : found->second;
}

std::optional<int> number(const TagValues& values, char letter) {
  const std::string text = value(values, std::string(kCreation) + '.' + letter);
  int out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::optional<Timestamp> creation_time(const TagValues& values) {
  for (const std::string& tag : {std::string(kCreation), std::string(kCreation) + ".RFC3339"}) {
    const std::string text = value(values, tag);
    if (text.empty()) continue;
    if (auto time = parse_rfc3339(text)) return *time;
  }
  if (const std::string text = value(values, std::string(kCreation) + ".s"); !text.empty()) {
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    constexpr std::int64_t kLast = INT64_MAX / 1'000'000'000;
    if (error == std::errc() && end == text.data() + text.size() && seconds >= 0 && seconds <= kLast) {
      return from_unix_nanoseconds(seconds * 1'000'000'000);
    }
  }
  const auto year = number(values, 'Y');
  if (!year) return std::nullopt;
  const auto month = number(values, 'm').value_or(1);
  const auto day = number(values, 'd').value_or(1);
  char text[40];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02dZ", *year % 10000, month % 100, day % 100,
                number(values, 'H').value_or(0) % 100, number(values, 'M').value_or(0) % 100,
                number(values, 'S').value_or(0) % 100);
  if (auto time = parse_rfc3339(text)) return *time;
  return std::nullopt;
}

KeyIdentity identity_of(const TagValues& values, std::string container) {
  KeyIdentity identity;
  identity.name_space = value(values, "workflow.namespace");
  identity.workflow = value(values, "workflow.name");
  identity.workflow_uid = value(values, "workflow.uid");
  identity.pod = value(values, "pod.name");
  identity.container = std::move(container);
  for (const auto& [name, text] : values) {
    if (std::string_view(name).starts_with(kCreation)) identity.created_text += name + '=' + text + '\n';
  }
  identity.created = creation_time(values);
  return identity;
}

}  // namespace

std::optional<std::string> container_of_log(std::string_view file) {
  for (const std::string_view packed : {".gz", ".tgz"}) {
    if (!file.ends_with(packed)) continue;
    file.remove_suffix(packed.size());
    break;
  }
  for (const std::string_view ending : {".log", "-logs"}) {
    if (!file.ends_with(ending) || file.size() == ending.size()) continue;
    file.remove_suffix(ending.size());
    const bool name = file.size() <= 63 && std::all_of(file.begin(), file.end(), [](char c) {
                        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
                      });
    return name ? std::optional(std::string(file)) : std::nullopt;
  }
  return std::nullopt;
}

std::vector<KeyIdentity> identities_of(std::string_view key, const std::vector<KeyFormat>& formats,
                                       const TagValues& known) {
  const std::size_t slash = key.rfind('/');
  if (slash == std::string_view::npos) return {};
  const auto container = container_of_log(key.substr(slash + 1));
  if (!container) return {};
  for (const KeyFormat& format : formats) {
    const KeyMatches matches = format.match(key.substr(0, slash), known);
    std::vector<KeyIdentity> identities;
    for (const TagValues& values : matches.assignments) {
      KeyIdentity identity = identity_of(values, *container);
      if (identity.pod.empty()) continue;
      if (std::find(identities.begin(), identities.end(), identity) == identities.end()) {
        identities.push_back(std::move(identity));
      }
    }
    // Where not all readings were found, none of them is certain.
    if (!matches.complete && !identities.empty()) identities.push_back({});
    if (!identities.empty()) return identities;
  }
  return {};
}

std::vector<std::string> listing_prefixes(const std::vector<KeyFormat>& formats, const TagValues& known) {
  std::vector<std::string> prefixes;
  for (const KeyFormat& format : formats) prefixes.push_back(format.known_prefix(known));
  std::sort(prefixes.begin(), prefixes.end());
  std::vector<std::string> apart;
  for (std::string& prefix : prefixes) {
    if (apart.empty() || !prefix.starts_with(apart.back())) apart.push_back(std::move(prefix));
  }
  return apart;
}

}  // namespace logstone::adopt
