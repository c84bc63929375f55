// What went wrong, told so that a person can act on it.
#pragma once

#include <string>
#include <utility>

namespace logstone {

/// The kinds that callers decide by; everything else is in the words.
enum class ErrorKind {
  kInvalidInput,  ///< What the caller gave cannot be used: CLI exit code 2, HTTP 4xx.
  kNotFound,      ///< The object does not exist.
  kConflict,      ///< It exists already, or changed meanwhile, or is locked by another process.
  kForbidden,     ///< Permissions or credentials do not allow it.
  kUnavailable,   ///< Trying again later may help: time-outs, resets, 5xx.
  kOutOfSpace,    ///< The disk or a quota is full; trying again later may help.
  kCorrupt,       ///< Stored bytes are not what was written.
  kUnsupported,   ///< Understood, but this product does not do it.
  kCancelled,     ///< Given up because somebody asked for it.
  kInternal,      ///< A defect of ours.
};

/// A failure. `attempted` and `subject` read as one sentence: "read object" "v1/a/b".
struct Error {
  ErrorKind kind = ErrorKind::kInternal;
  std::string attempted;  ///< What was tried: "read object".
  std::string subject;    ///< On what: a key, a path, `file.yaml:12`.
  std::string reason;     ///< Why it failed.
  std::string advice;     ///< What the person can do; may be empty.

  /// One line: "read object v1/a/b: no such object. <advice>".
  [[nodiscard]] std::string message() const;
  /// True where the same call may succeed later without a change by the caller.
  [[nodiscard]] bool retryable() const { return kind == ErrorKind::kUnavailable || kind == ErrorKind::kOutOfSpace; }
};

/// "invalid input", "not found", ...: for logs and JSON problems.
[[nodiscard]] const char* to_string(ErrorKind kind);

}  // namespace logstone
