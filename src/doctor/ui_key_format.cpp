#include "doctor/ui_key_format.h"

#include <algorithm>

namespace logstone::doctor {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f'; }

bool is_letter_of_keys(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '/';
}

}  // namespace

const std::vector<std::string>& ui_tags() {
  static const std::vector<std::string> tags = {"{{workflow.name}}",
                                                "{{workflow.creationTimestamp.Y}}",
                                                "{{workflow.creationTimestamp.m}}",
                                                "{{workflow.creationTimestamp.d}}",
                                                "{{pod.name}}",
                                                "{{workflow.namespace}}"};
  return tags;
}

UiKeyProblems ui_key_problems(std::string_view format) {
  UiKeyProblems problems;
  std::string rest;
  std::copy_if(format.begin(), format.end(), std::back_inserter(rest), [](char c) { return !is_blank(c); });
  for (const std::string& tag : ui_tags()) {
    const std::size_t at = rest.find(tag);
    if (at == std::string::npos) continue;
    rest.erase(at, tag.size());
    if (rest.find(tag) != std::string::npos) problems.repeated.push_back(tag);
  }
  for (std::size_t at = 0; at < rest.size();) {
    if (rest.compare(at, 2, "{{") == 0) {
      const std::size_t end = rest.find("}}", at);
      const std::string tag = rest.substr(at, end == std::string::npos ? end : end + 2 - at);
      const bool known = std::find(ui_tags().begin(), ui_tags().end(), tag) != ui_tags().end();
      if (!known && std::find(problems.unknown.begin(), problems.unknown.end(), tag) == problems.unknown.end()) {
        problems.unknown.push_back(tag);
      }
      at = end == std::string::npos ? rest.size() : end + 2;
      continue;
    }
    if (!is_letter_of_keys(rest[at]) && problems.characters.find(rest[at]) == std::string::npos) {
      problems.characters += rest[at];
    }
    ++at;
  }
  return problems;
}

std::string plain_format(std::string_view format, bool everywhere) {
  std::string out;
  bool within = false;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format.substr(i).starts_with("{{")) within = true;
    if (format.substr(i).starts_with("}}")) within = false;
    if ((everywhere || within) && is_blank(format[i])) continue;
    out += format[i];
  }
  while (out.ends_with('/')) out.pop_back();
  return out;
}

std::string fixed_prefix(std::string_view format) { return std::string(format.substr(0, format.find("{{"))); }

std::string with_namespace(std::string format, const std::string& name_space) {
  const std::string tag = "{{workflow.namespace}}";
  if (name_space.empty()) return format;
  for (std::size_t at = format.find(tag); at != std::string::npos; at = format.find(tag, at + name_space.size())) {
    format.replace(at, tag.size(), name_space);
  }
  return format;
}

}  // namespace logstone::doctor
