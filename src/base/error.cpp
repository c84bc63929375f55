#include "base/error.h"

namespace logstone {

std::string Error::message() const {
  std::string out = attempted;
  if (!subject.empty()) {
    if (!out.empty()) out += ' ';
    out += subject;
  }
  if (!reason.empty()) {
    if (!out.empty()) out += ": ";
    out += reason;
  }
  if (!advice.empty()) {
    if (!out.empty()) out += out.back() == '.' ? " " : ". ";
    out += advice;
  }
  return out;
}

const char* to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalidInput:
      return "invalid input";
    case ErrorKind::kNotFound:
      return "not found";
    case ErrorKind::kConflict:
      return "conflict";
    case ErrorKind::kForbidden:
      return "forbidden";
    case ErrorKind::kUnavailable:
      return "unavailable";
    case ErrorKind::kOutOfSpace:
      return "out of space";
    case ErrorKind::kCorrupt:
      return "corrupt";
    case ErrorKind::kUnsupported:
      return "unsupported";
    case ErrorKind::kCancelled:
      return "cancelled";
    case ErrorKind::kInternal:
      return "internal error";
  }
  return "internal error";
}

}  // namespace logstone
