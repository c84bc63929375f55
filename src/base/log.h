// The program's own messages, to standard error: one line each, `key=value` after the words.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace logstone {

enum class LogLevel { kDebug, kInfo, kWarning, kError };
using LogFields = std::initializer_list<std::pair<std::string_view, std::string>>;

/// Messages below it are dropped. Default: kInfo. Thread-safe.
void set_log_level(LogLevel level);
/// Thread-safe; a message is one write.
void log_message(LogLevel level, std::string_view text, LogFields fields = {});
inline void log_debug(std::string_view text, LogFields fields = {}) { log_message(LogLevel::kDebug, text, fields); }
inline void log_info(std::string_view text, LogFields fields = {}) { log_message(LogLevel::kInfo, text, fields); }
inline void log_warning(std::string_view text, LogFields fields = {}) { log_message(LogLevel::kWarning, text, fields); }
inline void log_error(std::string_view text, LogFields fields = {}) { log_message(LogLevel::kError, text, fields); }

}  // namespace logstone
