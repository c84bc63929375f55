#include "doctor/field_path.h"

#include <charconv>

namespace logstone::doctor {
namespace {

/// Splits at dots that are neither escaped nor within brackets.
std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts(1);
  int brackets = 0;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    if (c == '\\' && i + 1 < path.size()) {
      parts.back() += path[++i];
      continue;
    }
    if (c == '[') ++brackets;
    if (c == ']') --brackets;
    if (c == '.' && brackets <= 0) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  std::erase(parts, "");
  return parts;
}

void select_step(Node& node, const std::string& part, std::vector<Node*>& out) {
  if (node.is_map()) {
    if (part == "*") {
      for (NodeEntry& entry : node.entries) out.push_back(&entry.value);
    } else if (Node* value = node.find(part); value != nullptr) {
      out.push_back(value);
    }
    return;
  }
  if (!node.is_list()) return;
  if (part == "*") {
    for (Node& item : node.items) out.push_back(&item);
    return;
  }
  if (part.size() > 2 && part.front() == '[' && part.back() == ']') {
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos) return;
    const std::string key = part.substr(1, equals - 1);
    const std::string value = part.substr(equals + 1, part.size() - equals - 2);
    for (Node& item : node.items) {
      if (item.text_at({key}) == value) out.push_back(&item);
    }
    return;
  }
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), index);
  if (error == std::errc() && end == part.data() + part.size() && index < node.items.size()) {
    out.push_back(&node.items[index]);
  }
}

std::vector<std::string> split_by(const std::string& text, const std::string& delimiter) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (std::size_t at = text.find(delimiter); at != std::string::npos; at = text.find(delimiter, begin)) {
    parts.push_back(text.substr(begin, at - begin));
    begin = at + delimiter.size();
  }
  parts.push_back(text.substr(begin));
  return parts;
}

}  // namespace

std::vector<Node*> select_fields(Node& root, std::string_view path) {
  std::vector<Node*> found = {&root};
  for (const std::string& part : split_path(path)) {
    std::vector<Node*> next;
    for (Node* node : found) select_step(*node, part, next);
    found = std::move(next);
  }
  return found;
}

std::optional<std::string> read_field(const Node& root, std::string_view path, const std::string& delimiter,
                                      long index) {
  const auto found = select_fields(const_cast<Node&>(root), path);
  if (found.empty() || !found.front()->is_scalar()) return std::nullopt;
  if (delimiter.empty()) return found.front()->text;
  const auto parts = split_by(found.front()->text, delimiter);
  if (index < 0 || static_cast<std::size_t>(index) >= parts.size()) return std::nullopt;
  return parts[static_cast<std::size_t>(index)];
}

void write_field(Node& scalar, const std::string& value, const std::string& delimiter, long index, const Place& from) {
  if (delimiter.empty()) {
    scalar = Node::scalar(value, from);
    return;
  }
  if (!scalar.is_scalar()) return;
  auto parts = split_by(scalar.text, delimiter);
  if (index < 0) {
    parts.insert(parts.begin(), value);
  } else if (static_cast<std::size_t>(index) >= parts.size()) {
    parts.push_back(value);
  } else {
    parts[static_cast<std::size_t>(index)] = value;
  }
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) text += (i > 0 ? delimiter : "") + parts[i];
  scalar.text = std::move(text);
}

}  // namespace logstone::doctor
