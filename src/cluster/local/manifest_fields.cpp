#include "cluster/local/manifest_fields.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace logstone::local {

namespace {

constexpr std::size_t kMostToldFaults = 50;

YamlRef empty_map(const SourceLine& at) {
  auto node = std::make_shared<YamlNode>();
  node->kind = YamlNode::Kind::kMap;
  node->at = at;
  return node;
}

const char* kind_name(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kMap:
      return "a map";
    case YamlNode::Kind::kList:
      return "a list";
    case YamlNode::Kind::kNull:
      return "nothing";
    case YamlNode::Kind::kScalar:
      break;
  }
  switch (scalar_type(node)) {
    case ScalarType::kBool:
      return "a boolean";
    case ScalarType::kInteger:
    case ScalarType::kFloat:
      return "a number";
    default:
      return "text";
  }
}

/// Insertions, deletions, replacements and swaps of neighbours between two words, whatever their case.
std::size_t edits_between(std::string_view a, std::string_view b) {
  const auto same = [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  };
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1)});
      if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1])) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(above);
    above.swap(row);
  }
  return above[b.size()];
}

}  // namespace

void Problems::add(std::string line) {
  if (seen_.insert(line).second) faults_.push_back(std::move(line));
}

void Problems::invalid(const std::string& path, const SourceLine& at, const std::string& text) {
  any_invalid_ = true;
  add(path + " (" + at.text() + "): " + text);
}

void Problems::unsupported(const std::string& path, const SourceLine& at, const std::string& text) {
  add(path + " (" + at.text() + "): " + text);
}

void Problems::note(const std::string& path, const SourceLine& at, const std::string& text) {
  notes_.push_back(path + " (" + at.text() + "): " + text);
}

void Problems::merge(const Problems& other) {
  any_invalid_ = any_invalid_ || other.any_invalid_;
  for (const std::string& fault : other.faults_) add(fault);
  notes_.insert(notes_.end(), other.notes_.begin(), other.notes_.end());
}

Error Problems::error(const std::string& attempted, const std::string& subject) const {
  std::string reason;
  if (faults_.size() == 1) {
    reason = faults_.front();
  } else {
    reason = std::to_string(faults_.size()) + " faults:";
    for (std::size_t i = 0; i < faults_.size() && i < kMostToldFaults; ++i) reason += "\n  " + faults_[i];
    if (faults_.size() > kMostToldFaults) {
      reason += "\n  and " + std::to_string(faults_.size() - kMostToldFaults) + " more";
    }
  }
  return Error{any_invalid_ ? ErrorKind::kInvalidInput : ErrorKind::kUnsupported, attempted, subject, reason, ""};
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_edits = std::max<std::size_t>(1, std::min<std::size_t>(3, word.size() / 3)) + 1;
  if (word.size() < 2 || word.size() > 64) return best;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > word.size() + 3 || word.size() > candidate.size() + 3) continue;
    const std::size_t edits = edits_between(word, candidate);
    if (edits < best_edits) {
      best_edits = edits;
      best = candidate;
    }
  }
  return best;
}

FieldReader::FieldReader(const YamlRef& node, std::string path, Problems& problems)
    : node_(node), path_(std::move(path)), problems_(problems) {
  if (node_->is_map()) return;
  if (!node_->is_null()) problems_.invalid(path_, node_->at, std::string("must be a map, but is ") + kind_name(*node_));
  node_ = empty_map(node_->at);
}

FieldReader::~FieldReader() {
  std::size_t unknown = 0;
  for (const YamlEntry& entry : node_->entries) {
    if (std::find(known_.begin(), known_.end(), entry.key) != known_.end()) continue;
    if (++unknown > kMostToldFaults) break;
    std::string text = "unknown field";
    const std::string meant = nearest(entry.key, known_);
    if (!meant.empty()) text += "; did you mean " + meant + "?";
    problems_.invalid(path_of(entry.key.substr(0, 100)), entry.at, text);
  }
}

std::string FieldReader::path_of(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }

const YamlEntry* FieldReader::find(const std::string& key) {
  known_.push_back(key);
  const YamlEntry* entry = node_->find(key);
  return entry != nullptr && !entry->value->is_null() ? entry : nullptr;
}

std::string FieldReader::scalar(const YamlNode& node, const std::string& path) {
  if (node.is_null()) return "";
  const ScalarType type = node.is_scalar() ? scalar_type(node) : ScalarType::kNull;
  if (type == ScalarType::kString) return node.text;
  std::string text = std::string("must be text, but is ") + kind_name(node);
  if (node.is_scalar()) text += "; put it in quotes: \"" + node.text.substr(0, 100) + "\"";
  problems_.invalid(path, node.at, text);
  return "";
}

std::string FieldReader::text(const std::string& key) {
  const YamlEntry* entry = find(key);
  return entry == nullptr ? "" : scalar(*entry->value, path_of(key));
}

std::optional<std::string> FieldReader::any_text(const std::string& key) {
  const YamlEntry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  return entry->value->is_scalar() ? entry->value->text : to_json(*entry->value);
}

std::string FieldReader::text_or_integer(const std::string& key) {
  const YamlEntry* entry = find(key);
  if (entry == nullptr) return "";
  if (entry->value->is_scalar() && scalar_type(*entry->value) == ScalarType::kInteger) return entry->value->text;
  return scalar(*entry->value, path_of(key));
}

std::optional<std::int64_t> FieldReader::integer(const std::string& key, std::int64_t least) {
  const YamlEntry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  const YamlNode& node = *entry->value;
  std::int64_t value = 0;
  const char* end = node.text.data() + node.text.size();
  const auto [at, status] = std::from_chars(node.text.data(), end, value);
  if (!node.is_scalar() || !node.plain || status != std::errc() || at != end) {
    problems_.invalid(path_of(key), node.at,
                      std::string("must be a whole number, but is ") +
                          (node.is_scalar() ? "\"" + node.text.substr(0, 100) + "\"" : std::string(kind_name(node))));
    return std::nullopt;
  }
  if (value < least) {
    problems_.invalid(path_of(key), node.at, "must be " + std::to_string(least) + " or more, but is " + node.text);
    return std::nullopt;
  }
  return value;
}

std::optional<bool> FieldReader::boolean(const std::string& key) {
  const YamlEntry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  const YamlNode& node = *entry->value;
  if (node.is_scalar() && scalar_type(node) == ScalarType::kBool) return node.text[0] == 't' || node.text[0] == 'T';
  problems_.invalid(path_of(key), node.at, std::string("must be true or false, but is ") + kind_name(node));
  return std::nullopt;
}

std::vector<std::string> FieldReader::texts(const std::string& key) {
  std::vector<std::string> out;
  each(key, [&](const YamlRef& item, const std::string& path) { out.push_back(scalar(*item, path)); });
  return out;
}

std::map<std::string, std::string> FieldReader::text_map(const std::string& key) {
  std::map<std::string, std::string> out;
  const YamlEntry* entry = find(key);
  if (entry == nullptr) return out;
  if (!entry->value->is_map()) {
    problems_.invalid(path_of(key), entry->value->at, std::string("must be a map, but is ") + kind_name(*entry->value));
    return out;
  }
  for (const YamlEntry& item : entry->value->entries) {
    out[item.key] = scalar(*item.value, path_of(key) + "." + item.key.substr(0, 100));
  }
  return out;
}

void FieldReader::each(const std::string& key,
                       const std::function<void(const YamlRef&, const std::string& path)>& each) {
  const YamlEntry* entry = find(key);
  if (entry == nullptr) return;
  if (!entry->value->is_list()) {
    problems_.invalid(path_of(key), entry->value->at,
                      std::string("must be a list, but is ") + kind_name(*entry->value));
    return;
  }
  std::size_t index = 0;
  for (const YamlRef& item : entry->value->items) each(item, path_of(key) + "[" + std::to_string(index++) + "]");
}

void FieldReader::recorded(std::initializer_list<const char*> keys) {
  known_.insert(known_.end(), keys.begin(), keys.end());
}

void FieldReader::noted(const std::string& key, const std::string& why) {
  if (const YamlEntry* entry = find(key)) problems_.note(path_of(key), entry->at, why);
}

void FieldReader::unsupported(const std::string& key, const std::string& advice) {
  if (const YamlEntry* entry = find(key)) {
    problems_.unsupported(path_of(key), entry->at, "the local engine does not run this; " + advice);
  }
}

}  // namespace logstone::local
