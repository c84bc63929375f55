// The tags that a key format may have: which names there are, and which texts their values can be.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace logstone {

/// What a tag's values look like.
enum class TagForm {
  kName,      ///< Letters, digits, `.`, `-`, `_`: one at least.
  kLabel,     ///< The same, or nothing.
  kNumber,    ///< Digits, perhaps with a sign.
  kTime,      ///< One of a few texts that time_text_length knows.
  kAnything,  ///< Any text, none included.
};

/// None where there is no such tag. Expressions ("=...") can be anything.
[[nodiscard]] std::optional<TagForm> tag_form(std::string_view name);
/// Length of the time that `text` begins with, written as the tag of kTime writes it; none where it does not.
[[nodiscard]] std::optional<std::size_t> time_text_length(std::string_view tag, std::string_view text);
/// The value that a tag always has: Argo's times are in UTC and have whole seconds.
[[nodiscard]] std::optional<std::string_view> constant_value(std::string_view tag);
/// What a person may have meant by an unknown name, as advice.
[[nodiscard]] std::string tag_advice(std::string_view name);

inline constexpr std::string_view kCreationTime = "workflow.creationTimestamp";
inline constexpr const char* kMonths[] = {"January", "February", "March",     "April",   "May",      "June",
                                          "July",    "August",   "September", "October", "November", "December"};
inline constexpr const char* kWeekdays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                            "Thursday", "Friday", "Saturday"};

}  // namespace logstone
