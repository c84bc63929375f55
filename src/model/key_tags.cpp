#include "model/key_tags.h"

#include <algorithm>
#include <array>

namespace logstone {
namespace {

constexpr std::string_view kTimeLetters = "BbmAadHIMSYypZzL";

struct KnownTag {
  std::string_view name;
  TagForm form;
};
constexpr std::array kPlainTags = {
    KnownTag{"workflow.name", TagForm::kName},
    KnownTag{"workflow.namespace", TagForm::kName},
    KnownTag{"workflow.uid", TagForm::kName},
    KnownTag{"workflow.serviceAccountName", TagForm::kLabel},
    KnownTag{"workflow.mainEntrypoint", TagForm::kLabel},
    KnownTag{"workflow.priority", TagForm::kNumber},
    KnownTag{"workflow.creationTimestamp", TagForm::kTime},
    KnownTag{"pod.name", TagForm::kName},
    KnownTag{"node.name", TagForm::kAnything},
    KnownTag{"retries", TagForm::kNumber},
};
constexpr std::array kFamilies = {
    KnownTag{"workflow.parameters.", TagForm::kAnything},
    KnownTag{"workflow.labels.", TagForm::kLabel},
    KnownTag{"workflow.annotations.", TagForm::kAnything},
    KnownTag{"inputs.parameters.", TagForm::kAnything},
};

std::string_view time_part(std::string_view tag) {
  return tag.size() > kCreationTime.size() ? tag.substr(kCreationTime.size() + 1) : std::string_view("RFC3339");
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// `0` in a pattern stands for a digit, anything else for itself.
bool fits(std::string_view pattern, std::string_view text) {
  if (text.size() < pattern.size()) return false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '0' ? !is_digit(text[i]) : pattern[i] != text[i]) return false;
  }
  return true;
}

std::optional<std::size_t> two_digits(std::string_view text, int least, int most) {
  if (!fits("00", text)) return std::nullopt;
  const int value = (text[0] - '0') * 10 + (text[1] - '0');
  return value >= least && value <= most ? std::optional<std::size_t>(2) : std::nullopt;
}

std::optional<std::size_t> pattern_length(std::string_view pattern, std::string_view text) {
  return fits(pattern, text) ? std::optional(pattern.size()) : std::nullopt;
}

template <std::size_t kCount>
std::optional<std::size_t> word_length(const char* const (&words)[kCount], std::size_t letters, std::string_view text) {
  for (const std::string_view word : words) {
    if (text.starts_with(word.substr(0, letters))) return std::min(letters, word.size());
  }
  return std::nullopt;
}

}  // namespace

std::optional<TagForm> tag_form(std::string_view name) {
  if (name.starts_with('=')) return TagForm::kAnything;
  for (const KnownTag& known : kPlainTags) {
    if (known.name == name) return known.form;
  }
  for (const KnownTag& family : kFamilies) {
    if (!name.starts_with(family.name) || name.size() == family.name.size()) continue;
    // All labels at once, as JSON.
    return name.substr(family.name.size()) == "json" ? TagForm::kAnything : family.form;
  }
  if (!name.starts_with(kCreationTime)) return std::nullopt;
  const std::string_view part = name.substr(kCreationTime.size());
  if (part.empty() || part.front() != '.') return std::nullopt;
  if (part == ".RFC3339") return TagForm::kTime;
  if (part == ".s") return TagForm::kNumber;
  if (part.size() == 2 && kTimeLetters.find(part[1]) != std::string_view::npos) return TagForm::kTime;
  return std::nullopt;
}

std::optional<std::size_t> time_text_length(std::string_view tag, std::string_view text) {
  const std::string_view part = time_part(tag);
  if (part.size() > 1) return pattern_length("0000-00-00T00:00:00Z", text);
  constexpr std::size_t kWhole = 16;
  constexpr std::size_t kShort = 3;
  switch (part[0]) {
    case 'B':
      return word_length(kMonths, kWhole, text);
    case 'b':
      return word_length(kMonths, kShort, text);
    case 'A':
      return word_length(kWeekdays, kWhole, text);
    case 'a':
      return word_length(kWeekdays, kShort, text);
    case 'm':
    case 'I':
      return two_digits(text, 1, 12);
    case 'd':
      return two_digits(text, 1, 31);
    case 'H':
      return two_digits(text, 0, 23);
    case 'M':
    case 'S':
      return two_digits(text, 0, 59);
    case 'Y':
      return pattern_length("0000", text);
    case 'y':
      return pattern_length("00", text);
    case 'p':
      return text.starts_with("AM") || text.starts_with("PM") ? std::optional<std::size_t>(2) : std::nullopt;
    default: {
      const auto constant = constant_value(tag);
      return constant && text.starts_with(*constant) ? std::optional(constant->size()) : std::nullopt;
    }
  }
}

std::optional<std::string_view> constant_value(std::string_view tag) {
  if (!tag.starts_with(kCreationTime) || tag.size() != kCreationTime.size() + 2) return std::nullopt;
  switch (tag.back()) {
    case 'Z':
      return "UTC";
    case 'z':
      return "+0000";
    case 'L':
      return ".000";  // Go writes the point too.
    default:
      return std::nullopt;
  }
}

std::string tag_advice(std::string_view name) {
  for (const KnownTag& family : kFamilies) {
    if (name == family.name || name == family.name.substr(0, family.name.size() - 1)) {
      return "write " + std::string(family.name) + "NAME";
    }
  }
  if (name.starts_with(kCreationTime)) {
    return "after workflow.creationTimestamp comes RFC3339, s or one of the letters " + std::string(kTimeLetters);
  }
  return "tags are workflow.name, .namespace, .uid, .serviceAccountName, .mainEntrypoint, .priority, .parameters.NAME, "
         ".labels.NAME, .annotations.NAME, .creationTimestamp, .creationTimestamp.Y, ..., pod.name, node.name, "
         "retries, "
         "inputs.parameters.NAME";
}

}  // namespace logstone
