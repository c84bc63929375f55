// What a person sees: tables, colours where there is a terminal, ages.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace logstone::cli {

/// True when standard output is a terminal and NO_COLOR is not set.
[[nodiscard]] bool use_colours();

enum class Colour { kPlain, kGreen, kRed, kYellow, kBlue, kGrey };
/// The text in a colour, or as it is where colours are not used.
[[nodiscard]] std::string coloured(std::string_view text, Colour colour);
[[nodiscard]] Colour phase_colour(std::string_view phase);

/// Columns as wide as their widest cell; the first row is the head. Colours go by column content `colour_of`.
class Table {
 public:
  explicit Table(std::vector<std::string> head) { rows_.push_back(std::move(head)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  /// Text with one line a row. Cells of `phase_column` are coloured as phases.
  [[nodiscard]] std::string text(std::optional<std::size_t> phase_column = std::nullopt) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// "3m", "5h", "12d": since an RFC 3339 time; "-" where it cannot be read.
[[nodiscard]] std::string age_of(const std::string& rfc3339);
/// "512 B", "4.2 MiB".
[[nodiscard]] std::string human_size(unsigned long long bytes);
/// Control characters, which could drive a terminal, as "?".
[[nodiscard]] std::string printable(std::string_view text);
/// Writes all to standard output; false when it takes no more. Any thread.
bool write_out(std::string_view bytes);
/// Why standard output took no more, as errno; 0 when it took all, or when its reader just had enough.
[[nodiscard]] int output_failure();

}  // namespace logstone::cli
