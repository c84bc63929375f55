#include "model/key_format.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "model/argo_names.h"
#include "model/key_tags.h"

namespace logstone {
namespace {

constexpr std::size_t kLongestFormat = 4096;  ///< Bytes; a key has 1,024 at most.
constexpr std::size_t kMostTags = 100;

Error bad_format(std::string_view format, std::string reason, std::string advice) {
  return {ErrorKind::kInvalidInput, "read key format", '"' + std::string(format.substr(0, 200)) + '"',
          std::move(reason), std::move(advice)};
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

/// The tag that an expression is when it is nothing but a name: `workflow.name`, `workflow.labels['a.b/c']`.
std::optional<std::string> single_name(std::string_view expression) {
  const std::size_t bracket = expression.find('[');
  std::string name(trim(expression.substr(0, bracket)));
  if (name.empty() || !std::all_of(name.begin(), name.end(), [](char c) { return is_word(c) || c == '.'; })) {
    return std::nullopt;
  }
  if (bracket != std::string_view::npos) {
    std::string_view inner = expression.substr(bracket + 1);
    if (inner.empty() || inner.back() != ']') return std::nullopt;
    inner = trim(inner.substr(0, inner.size() - 1));
    if (inner.size() < 3 || (inner.front() != '\'' && inner.front() != '"') || inner.back() != inner.front()) {
      return std::nullopt;
    }
    const std::string_view key = inner.substr(1, inner.size() - 2);
    if (key.find_first_of("'\"\\") != std::string_view::npos) return std::nullopt;
    name.append(".").append(key);
  }
  return tag_form(name) ? std::optional(name) : std::nullopt;
}

/// Drops what Argo drops when it joins a path: empty parts and ".", and a '/' at either end.
std::string clean_path(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    if (part.empty() || part == ".") continue;
    if (!out.empty()) out += '/';
    out += part;
  }
  return out;
}

std::optional<std::string> value_of(const TagValues& values, const std::string& tag) {
  if (const auto found = values.find(tag); found != values.end()) return found->second;
  if (const auto constant = constant_value(tag)) return std::string(*constant);
  return std::nullopt;
}

std::string padded(unsigned value, std::size_t digits) {
  std::string text = std::to_string(value);
  return text.size() >= digits ? text : std::string(digits - text.size(), '0') + text;
}

void set_time(TagValues& values, char letter, std::string text) {
  values.insert_or_assign(std::string(kCreationTime) + "." + letter, std::move(text));
}

}  // namespace

void set_creation_day(TagValues& values, std::chrono::year_month_day day) {
  const unsigned year = static_cast<unsigned>(static_cast<int>(day.year()));
  const unsigned month = static_cast<unsigned>(day.month());
  const std::string_view month_name = kMonths[month - 1];
  const std::string_view weekday = kWeekdays[std::chrono::weekday(std::chrono::sys_days(day)).c_encoding()];
  set_time(values, 'Y', padded(year, 4));
  set_time(values, 'y', padded(year % 100, 2));
  set_time(values, 'm', padded(month, 2));
  set_time(values, 'B', std::string(month_name));
  set_time(values, 'b', std::string(month_name.substr(0, 3)));
  set_time(values, 'd', padded(static_cast<unsigned>(day.day()), 2));
  set_time(values, 'A', std::string(weekday));
  set_time(values, 'a', std::string(weekday.substr(0, 3)));
  for (const char letter : {'Z', 'z', 'L'}) {
    set_time(values, letter, std::string(*constant_value(std::string(kCreationTime) + "." + letter)));
  }
}

void set_creation_time(TagValues& values, Timestamp created) {
  const auto second = std::chrono::floor<std::chrono::seconds>(created);
  const auto day = std::chrono::floor<std::chrono::days>(second);
  set_creation_day(values, std::chrono::year_month_day(day));
  const auto of_day = static_cast<unsigned>((second - day).count());
  const unsigned hour = of_day / 3600;
  set_time(values, 'H', padded(hour, 2));
  set_time(values, 'I', padded(hour % 12 == 0 ? 12 : hour % 12, 2));
  set_time(values, 'M', padded(of_day / 60 % 60, 2));
  set_time(values, 'S', padded(of_day % 60, 2));
  set_time(values, 'p', hour < 12 ? "AM" : "PM");
  set_time(values, 's', std::to_string(second.time_since_epoch().count()));
  const std::string rfc3339 = format_rfc3339(created);
  values.insert_or_assign(std::string(kCreationTime), rfc3339);
  values.insert_or_assign(std::string(kCreationTime) + ".RFC3339", rfc3339);
}

Result<KeyFormat> KeyFormat::parse(std::string_view text) {
  text = trim(text);
  if (text.empty()) return bad_format(text, "it is empty", "write one such as {{workflow.name}}/{{pod.name}}");
  if (text.size() > kLongestFormat) {
    return bad_format(text, "it is longer than " + std::to_string(kLongestFormat) + " bytes", {});
  }
  KeyFormat format;
  format.text_ = std::string(text);
  const auto add_literal = [&](std::string_view literal) {
    if (literal.empty()) return;
    if (format.tokens_.empty() || format.tokens_.back().tag) format.tokens_.push_back({});
    format.tokens_.back().text += literal;
  };
  std::size_t at = 0;
  std::size_t count = 0;
  while (at < text.size()) {
    const std::size_t open = text.find("{{", at);
    add_literal(text.substr(at, open - at));
    if (open == std::string_view::npos) break;
    const std::string place = " at position " + std::to_string(open + 1);
    const std::size_t close = text.find("}}", open + 2);
    if (close == std::string_view::npos) {
      return bad_format(text, "the tag \"" + std::string(text.substr(open, 60)) + '"' + place + " has no end",
                        "close it with }}");
    }
    const std::string written(text.substr(open, close + 2 - open));
    std::string name(trim(text.substr(open + 2, close - open - 2)));
    at = close + 2;
    if (name.starts_with('=')) {
      const std::string expression(trim(std::string_view(name).substr(1)));
      if (expression.empty()) return bad_format(text, "the expression " + written + place + " is empty", {});
      name = single_name(expression).value_or("=" + expression);
    }
    if (!tag_form(name)) {
      return bad_format(text, written + place + (name.empty() ? " is empty" : " is no tag of a key format"),
                        tag_advice(name));
    }
    if (++count > kMostTags) return bad_format(text, "it has more than " + std::to_string(kMostTags) + " tags", {});
    if (!format.has_tag(name)) format.tags_.push_back(name);
    format.tokens_.push_back({true, std::move(name)});
  }
  return format;
}

Result<KeyFormat> KeyFormat::from_key_prefix(std::string_view prefix) {
  return parse(std::string(prefix) + "/{{workflow.name}}/{{pod.name}}");
}

bool KeyFormat::has_tag(std::string_view name) const {
  return std::find(tags_.begin(), tags_.end(), name) != tags_.end();
}

std::vector<std::string> KeyFormat::unknown_tags(const TagValues& values) const {
  std::vector<std::string> unknown;
  for (const auto& tag : tags_) {
    if (!value_of(values, tag)) unknown.push_back(tag);
  }
  return unknown;
}

Result<std::string> KeyFormat::render(const TagValues& values) const {
  std::string unknown;
  for (const auto& tag : unknown_tags(values)) unknown += (unknown.empty() ? "{{" : ", {{") + tag + "}}";
  const auto fail = [&](std::string reason) {
    return Error{ErrorKind::kInvalidInput, "fill in key format", text_, std::move(reason), {}};
  };
  if (!unknown.empty()) return fail("unknown here: " + unknown);
  std::string key;
  for (const auto& token : tokens_) key += token.tag ? *value_of(values, token.text) : token.text;
  key = clean_path(key);
  if (key.empty()) return fail("nothing is left of it");
  if (("/" + key + "/").find("/../") != std::string::npos) return fail("\"" + key + "\" leads out of its folder");
  return key;
}

std::string KeyFormat::known_prefix(const TagValues& values) const {
  std::string prefix;
  for (const auto& token : tokens_) {
    const auto text = token.tag ? value_of(values, token.text) : std::optional(token.text);
    if (!text) break;
    prefix += *text;
  }
  std::string clean = clean_path(prefix);
  if (!clean.empty() && prefix.ends_with('/')) clean += '/';
  return clean;
}

/// Finds the assignments: first, from the end, where each token can begin at all, so that the search for assignments,
/// which follows, hardly ever meets a dead end.
class KeyMatcher {
 public:
  KeyMatcher(const KeyFormat& format, std::string_view key, const TagValues& known) : key_(key), known_(known) {
    // As render: no part is empty, and none begins or ends the key.
    std::string before;
    for (const auto& token : format.tokens_) {
      if (token.tag) {
        parts_.push_back({&token.text, {}, *tag_form(token.text)});
        before = "x";
        continue;
      }
      std::string literal;
      for (const char c : token.text) {
        const char last = literal.empty() ? (before.empty() ? '/' : before.back()) : literal.back();
        if (c != '/' || last != '/') literal += c;
      }
      before += literal;
      parts_.push_back({nullptr, std::move(literal), {}});
    }
    if (!parts_.empty() && parts_.back().tag == nullptr && parts_.back().literal.ends_with('/')) {
      parts_.back().literal.pop_back();
    }
  }

  KeyMatches run() {
    find_feasible();
    if (feasible(0, 0)) search(0, 0);
    return std::move(matches_);
  }

 private:
  struct Part {
    const std::string* tag;
    std::string literal;
    TagForm form;
  };
  static constexpr std::size_t kMostMatches = 1000;
  static constexpr std::size_t kMostSteps = 100'000;

  [[nodiscard]] std::vector<bool>::reference feasible(std::size_t part, std::size_t at) {
    return feasible_[part * (key_.size() + 1) + at];
  }

  /// The text that a part must be: a literal's own, or the value of a tag that is known.
  [[nodiscard]] std::optional<std::string> fixed_text(const Part& part) const {
    if (part.tag == nullptr) return part.literal;
    if (const auto assigned = now_.find(*part.tag); assigned != now_.end()) return assigned->second;
    if (const auto known = known_.find(*part.tag); known != known_.end()) return known->second;
    return std::nullopt;
  }

  [[nodiscard]] static bool may_hold(TagForm form, char c) {
    if (form == TagForm::kAnything) return true;
    if (form == TagForm::kNumber) return (c >= '0' && c <= '9') || c == '-';
    return is_word(c) || c == '.' || c == '-';
  }
  [[nodiscard]] static std::size_t least_length(TagForm form) {
    return form == TagForm::kName || form == TagForm::kNumber ? 1 : 0;
  }

  void find_feasible() {
    const std::size_t size = key_.size();
    feasible_.assign((parts_.size() + 1) * (size + 1), false);
    feasible(parts_.size(), size) = true;
    for (std::size_t i = parts_.size(); i-- > 0;) {
      const Part& part = parts_[i];
      const auto fixed = fixed_text(part);
      std::size_t run_end = size;   // Where the characters end that the tag may hold.
      std::size_t next = size + 1;  // The nearest place, from at + least on, where the rest can begin.
      for (std::size_t at = size + 1; at-- > 0;) {
        const std::string_view rest = key_.substr(at);
        if (fixed) {
          feasible(i, at) = rest.starts_with(*fixed) && feasible(i + 1, at + fixed->size());
        } else if (part.form == TagForm::kTime) {
          const auto length = time_text_length(*part.tag, rest);
          feasible(i, at) = length && feasible(i + 1, at + *length);
        } else {
          if (at < size && !may_hold(part.form, key_[at])) run_end = at;
          const std::size_t least = at + least_length(part.form);
          if (least <= size && feasible(i + 1, least)) next = least;
          feasible(i, at) = next <= run_end;
        }
      }
    }
  }

  void search(std::size_t i, std::size_t at) {
    if (matches_.assignments.size() >= kMostMatches || ++steps_ > kMostSteps) {
      matches_.complete = false;
      return;
    }
    if (i == parts_.size()) {
      TagValues all = now_;
      matches_.assignments.push_back(std::move(all));
      return;
    }
    const Part& part = parts_[i];
    const std::string_view rest = key_.substr(at);
    const bool new_tag = part.tag != nullptr && !now_.contains(*part.tag);
    const auto take = [&](std::size_t length) {
      if (!feasible(i + 1, at + length)) return;
      if (new_tag) {
        now_.emplace(*part.tag, rest.substr(0, length));
        if (names_fit()) search(i + 1, at + length);
        now_.erase(*part.tag);
      } else {
        search(i + 1, at + length);
      }
    };
    if (const auto fixed = fixed_text(part)) {
      if (rest.starts_with(*fixed)) take(fixed->size());
    } else if (part.form == TagForm::kTime) {
      if (const auto length = time_text_length(*part.tag, rest)) take(*length);
    } else {
      std::size_t longest = 0;
      while (longest < rest.size() && may_hold(part.form, rest[longest])) ++longest;
      for (std::size_t length = least_length(part.form); length <= longest && matches_.complete; ++length) {
        take(length);
      }
    }
  }

  [[nodiscard]] bool names_fit() const {
    const auto pod = now_.find("pod.name");
    const auto workflow = now_.find("workflow.name");
    return pod == now_.end() || workflow == now_.end() || may_be_pod_of(pod->second, workflow->second);
  }

  std::string_view key_;
  const TagValues& known_;
  std::vector<Part> parts_;
  std::vector<bool> feasible_;
  TagValues now_;
  KeyMatches matches_;
  std::size_t steps_ = 0;
};

KeyMatches KeyFormat::match(std::string_view key, const TagValues& known) const {
  constexpr std::size_t kLongestKey = 1024;  // Of ObjectStore.
  if (key.empty() || key.size() > kLongestKey) return {};
  return KeyMatcher(*this, key, known).run();
}

std::string argo_log_key(std::string_view rendered, std::string_view container) {
  return std::string(rendered) + "/" + std::string(container) + ".log";
}

}  // namespace logstone
