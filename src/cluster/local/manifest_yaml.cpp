#include "cluster/local/manifest_yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>
#include <unordered_map>

namespace logstone::local {

namespace {

constexpr std::size_t kMaxBytes = std::size_t{4} << 20;
constexpr std::size_t kMaxWeight = std::size_t{64} << 20;
constexpr std::size_t kMaxDepth = 100;
constexpr std::size_t kMaxKeyBytes = 500;
constexpr std::size_t kNodeWeight = 32;
constexpr const char* kTooDeep = "nested deeper than 100 levels";

Error unreadable(const std::string& source, int line, std::string reason, std::string advice = "") {
  return Error{ErrorKind::kInvalidInput, "read manifest", SourceLine{source, line}.text(), std::move(reason),
               std::move(advice)};
}

/// The 1-based line of the first byte that is not UTF-8 or is a control character YAML does not allow.
std::optional<int> first_bad_line(std::string_view text) {
  int line = 1;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '\n') ++line;
    if (byte < 0x80) {
      if ((byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t')) return line;
      ++i;
      continue;
    }
    const std::size_t length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    if (byte < 0xc2 || byte > 0xf4 || i + length > text.size()) return line;
    for (std::size_t k = 1; k < length; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80) return line;
    }
    const auto second = static_cast<unsigned char>(text[i + 1]);
    if ((byte == 0xe0 && second < 0xa0) || (byte == 0xed && second > 0x9f) || (byte == 0xf0 && second < 0x90) ||
        (byte == 0xf4 && second > 0x8f)) {
      return line;
    }
    i += length;
  }
  return std::nullopt;
}

/// Builds the tree from the parser's events. Events after the first failure are ignored.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(const std::string& source) : source_(source) {}

  void OnDocumentStart(const YAML::Mark& at) override {
    start_ = at;
    root_.reset();
    anchors_.clear();
    open_.clear();
  }
  void OnDocumentEnd() override {}
  [[nodiscard]] const YAML::Mark& start() const { return start_; }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto node = make(YamlNode::Kind::kNull, mark);
    node->plain = true;
    place(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto it = anchors_.find(anchor);
    if (it == anchors_.end() || !it->second) return fail(mark, "an alias (*) stands within what it names");
    place_ready(it->second);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    auto node = make(YamlNode::Kind::kScalar, mark);
    node->text = value;
    node->plain = tag == "?";
    node->weight += value.size();
    place(std::move(node), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    start(YamlNode::Kind::kList, mark, anchor);
  }
  void OnSequenceEnd() override { finish(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    start(YamlNode::Kind::kMap, mark, anchor);
  }
  void OnMapEnd() override { finish(); }

  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }
  [[nodiscard]] YamlRef root() const { return root_; }

 private:
  struct Open {
    std::shared_ptr<YamlNode> node;
    YAML::anchor_t anchor;
    bool has_key = false;
    YamlEntry entry;
    std::set<std::string> keys;
    std::vector<YamlRef> merged;  // of `<<`
  };

  std::shared_ptr<YamlNode> make(YamlNode::Kind kind, const YAML::Mark& mark) {
    auto node = std::make_shared<YamlNode>();
    node->kind = kind;
    node->at = {source_, mark.line + 1};
    node->weight = kNodeWeight;
    return node;
  }

  void fail(const YAML::Mark& mark, std::string reason) { fail_at(mark.line + 1, std::move(reason)); }
  void fail_at(int line, std::string reason) {
    if (!failure_) failure_ = unreadable(source_, line, std::move(reason));
  }

  void start(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (failure_) return;
    if (open_.size() >= kMaxDepth) return fail(mark, kTooDeep);
    if (anchor != YAML::NullAnchor) anchors_[anchor] = nullptr;
    open_.push_back({make(kind, mark), anchor, false, {}, {}, {}});
  }

  void finish() {
    if (failure_) return;
    Open done = std::move(open_.back());
    open_.pop_back();
    for (const YamlRef& part : done.merged) merge_into(done, part);
    place(std::move(done.node), done.anchor);
  }

  /// False (and failed) if the child makes the parent too deep or too heavy.
  bool take(YamlNode& parent, const YamlNode& child, std::size_t key_bytes) {
    parent.depth = std::max(parent.depth, child.depth + 1);
    parent.weight += child.weight + key_bytes;
    if (parent.depth > kMaxDepth) fail_at(parent.at.line, kTooDeep);
    if (parent.weight > kMaxWeight) fail_at(parent.at.line, "its aliases (*) would spell out to more than 64 MiB");
    return !failure_;
  }

  void merge_into(Open& map, const YamlRef& part) {
    if (part->is_list()) {
      for (const YamlRef& item : part->items) merge_into(map, item);
      return;
    }
    if (!part->is_map()) return fail_at(part->at.line, "the merge key << takes a map, or a list of maps");
    for (const YamlEntry& entry : part->entries) {
      if (!map.keys.insert(entry.key).second) continue;
      if (!take(*map.node, *entry.value, entry.key.size())) return;
      map.node->entries.push_back(entry);
    }
  }

  void place(std::shared_ptr<YamlNode> node, YAML::anchor_t anchor) {
    if (failure_) return;
    YamlRef ready = std::move(node);
    if (anchor != YAML::NullAnchor) anchors_[anchor] = ready;
    place_ready(std::move(ready));
  }

  void place_ready(YamlRef node) {
    if (failure_) return;
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& in = open_.back();
    if (in.node->is_list()) {
      if (!take(*in.node, *node, 0)) return;
      in.node->items.push_back(std::move(node));
      return;
    }
    if (!in.has_key) {
      if (!node->is_scalar()) return fail_at(node->at.line, "a key must be plain text");
      if (node->text.size() > kMaxKeyBytes) return fail_at(node->at.line, "a key has more than 500 bytes");
      in.has_key = true;
      in.entry = {node->text, node->at, nullptr};
      if (!(in.entry.key == "<<" && node->plain) && !in.keys.insert(node->text).second) {
        fail_at(node->at.line, "the key " + node->text.substr(0, 200) + " stands twice in the same map");
      }
      return;
    }
    in.has_key = false;
    if (in.entry.key == "<<") {
      in.merged.push_back(std::move(node));
      return;
    }
    in.entry.value = std::move(node);
    if (!take(*in.node, *in.entry.value, in.entry.key.size())) return;
    in.node->entries.push_back(std::move(in.entry));
  }

  YAML::Mark start_;  ///< Of the document being read.
  std::string source_;
  std::optional<Error> failure_;
  YamlRef root_;
  std::vector<Open> open_;
  std::unordered_map<YAML::anchor_t, YamlRef> anchors_;
};

using Json = nlohmann::ordered_json;

Json json_of(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return nullptr;
    case YamlNode::Kind::kList: {
      Json list = Json::array();
      for (const YamlRef& item : node.items) list.push_back(json_of(*item));
      return list;
    }
    case YamlNode::Kind::kMap: {
      Json map = Json::object();
      for (const YamlEntry& entry : node.entries) map[entry.key] = json_of(*entry.value);
      return map;
    }
    case YamlNode::Kind::kScalar:
      break;
  }
  switch (scalar_type(node)) {
    case ScalarType::kNull:
      return nullptr;
    case ScalarType::kBool:
      return node.text[0] == 't' || node.text[0] == 'T';
    case ScalarType::kInteger:
    case ScalarType::kFloat: {
      // A number that JSON writes alike keeps its digits; others (0x1f, .5, 1e999) stay text.
      Json number = Json::parse(node.text, nullptr, false);
      return number.is_number() ? number : Json(node.text);
    }
    case ScalarType::kString:
      break;
  }
  return node.text;
}

/// [letter, line, content]: n(ull), s(tring), p(lain), l(ist), m(ap as key, line, value, ...).
Json encoded(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return Json::array({"n", node.at.line});
    case YamlNode::Kind::kScalar:
      return Json::array({node.plain ? "p" : "s", node.at.line, node.text});
    case YamlNode::Kind::kList: {
      Json list = Json::array({"l", node.at.line});
      for (const YamlRef& item : node.items) list.push_back(encoded(*item));
      return list;
    }
    case YamlNode::Kind::kMap:
      break;
  }
  Json map = Json::array({"m", node.at.line});
  for (const YamlEntry& entry : node.entries) {
    map.push_back(entry.key);
    map.push_back(entry.at.line);
    map.push_back(encoded(*entry.value));
  }
  return map;
}

/// Null where it is not of the form that `encoded` makes.
YamlRef decoded(const Json& json, const std::string& source, std::size_t depth) {
  if (depth > 2 * kMaxDepth || !json.is_array() || json.size() < 2 || !json[0].is_string() || !json[1].is_number()) {
    return nullptr;
  }
  auto node = std::make_shared<YamlNode>();
  const std::string letter = json[0];
  node->at = {source, json[1].get<int>()};
  if (letter == "n") {
    node->plain = true;
  } else if (letter == "s" || letter == "p") {
    if (json.size() != 3 || !json[2].is_string()) return nullptr;
    node->kind = YamlNode::Kind::kScalar;
    node->text = json[2];
    node->plain = letter == "p";
  } else if (letter == "l") {
    node->kind = YamlNode::Kind::kList;
    for (std::size_t i = 2; i < json.size(); ++i) {
      node->items.push_back(decoded(json[i], source, depth + 1));
      if (!node->items.back()) return nullptr;
    }
  } else if (letter == "m") {
    node->kind = YamlNode::Kind::kMap;
    for (std::size_t i = 2; i + 2 < json.size(); i += 3) {
      if (!json[i].is_string() || !json[i + 1].is_number()) return nullptr;
      YamlRef value = decoded(json[i + 2], source, depth + 1);
      if (!value) return nullptr;
      node->entries.push_back({json[i], {source, json[i + 1].get<int>()}, std::move(value)});
    }
  } else {
    return nullptr;
  }
  return node;
}

bool all_named(const YamlNode& list) {
  for (const YamlRef& item : list.items) {
    const YamlEntry* name = item->is_map() ? item->find("name") : nullptr;
    if (name == nullptr || !name->value->is_scalar()) return false;
  }
  return true;
}

}  // namespace

const YamlEntry* YamlNode::find(std::string_view key) const {
  for (const YamlEntry& entry : entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

ScalarType scalar_type(const YamlNode& node) {
  if (node.is_null()) return ScalarType::kNull;
  if (!node.plain) return ScalarType::kString;
  const std::string& text = node.text;
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return ScalarType::kNull;
  for (const char* word : {"true", "True", "TRUE", "false", "False", "FALSE"}) {
    if (text == word) return ScalarType::kBool;
  }
  std::string_view digits = text;
  if (digits.front() == '+' || digits.front() == '-') digits.remove_prefix(1);
  if (!digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos) return ScalarType::kInteger;
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'o')) {
    const char* allowed = text[1] == 'x' ? "0123456789abcdefABCDEF" : "01234567";
    if (text.find_first_not_of(allowed, 2) == std::string::npos) return ScalarType::kInteger;
  }
  if (!digits.empty() && (std::isdigit(static_cast<unsigned char>(digits[0])) || digits[0] == '.')) {
    double value = 0;
    const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (status != std::errc::invalid_argument && end == digits.data() + digits.size()) return ScalarType::kFloat;
  }
  if (digits == ".inf" || digits == ".Inf" || text == ".nan" || text == ".NaN") return ScalarType::kFloat;
  return ScalarType::kString;
}

Result<std::vector<YamlRef>> read_yaml(std::string_view text, const std::string& source) {
  if (text.size() > kMaxBytes) {
    return unreadable(source, 0, "it has " + std::to_string(text.size()) + " bytes, more than the limit of 4 MiB",
                      "Split it into several files.");
  }
  if (text.substr(0, 3) == "\xef\xbb\xbf") text.remove_prefix(3);
  if (const auto line = first_bad_line(text)) {
    return unreadable(source, *line, "a byte that is no text in UTF-8", "Save the file as plain UTF-8.");
  }
  std::vector<YamlRef> documents;
  TreeBuilder builder(source);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    int before = -1;
    while (parser.HandleNextDocument(builder)) {
      // A token that begins nothing, such as a stray "}", is handed out as an empty document again and again.
      if (builder.start().pos == before) {
        return unreadable(source, builder.start().line + 1, "not valid YAML: something that begins no document",
                          "Look at the braces and brackets before it.");
      }
      before = builder.start().pos;
      if (builder.failure()) return *builder.failure();
      YamlRef root = builder.root();
      if (root && !root->is_null()) documents.push_back(std::move(root));
      if (documents.size() > 10'000) return unreadable(source, 0, "more than 10,000 documents");
    }
    if (builder.failure()) return *builder.failure();
  } catch (const YAML::Exception& e) {
    if (builder.failure()) return *builder.failure();
    return unreadable(source, e.mark.is_null() ? 0 : e.mark.line + 1, "not valid YAML: " + e.msg,
                      "Look at the indentation, quotes and colons there.");
  } catch (const std::exception& e) {
    return unreadable(source, 0, std::string("not valid YAML: ") + e.what());
  }
  return documents;
}

std::string to_json(const YamlNode& node) { return json_of(node).dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string encode_tree(const YamlNode& node) {
  return encoded(node).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<YamlRef> decode_tree(const std::string& text, const std::string& source) {
  const Json json = Json::parse(text, nullptr, false);
  YamlRef root = json.is_discarded() ? nullptr : decoded(json, source, 0);
  if (!root) return Error{ErrorKind::kCorrupt, "read stored manifest", source, "it is not what was stored", ""};
  return root;
}

YamlRef make_scalar(std::string text, bool plain, SourceLine at) {
  auto node = std::make_shared<YamlNode>();
  node->kind = YamlNode::Kind::kScalar;
  node->text = std::move(text);
  node->plain = plain;
  node->at = std::move(at);
  node->weight = kNodeWeight + node->text.size();
  return node;
}

YamlRef with_entry(const YamlRef& map, const std::string& key, YamlRef value) {
  auto copy = std::make_shared<YamlNode>(*map);
  copy->kind = YamlNode::Kind::kMap;
  for (YamlEntry& entry : copy->entries) {
    if (entry.key == key) {
      entry.value = std::move(value);
      return copy;
    }
  }
  copy->entries.push_back({key, value->at, std::move(value)});
  return copy;
}

YamlRef without_entry(const YamlRef& map, std::string_view key) {
  auto copy = std::make_shared<YamlNode>(*map);
  std::erase_if(copy->entries, [&](const YamlEntry& entry) { return entry.key == key; });
  return copy;
}

YamlRef merge_yaml(const YamlRef& base, const YamlRef& over) {
  if (over->is_map() && base->is_map()) {
    auto merged = std::make_shared<YamlNode>(*over);
    std::unordered_map<std::string, std::size_t> places;
    for (std::size_t i = 0; i < merged->entries.size(); ++i) places.emplace(merged->entries[i].key, i);
    for (const YamlEntry& entry : base->entries) {
      const auto it = places.find(entry.key);
      if (it == places.end()) {
        merged->entries.push_back(entry);
      } else {
        YamlRef& value = merged->entries[it->second].value;
        value = merge_yaml(entry.value, value);
      }
    }
    return merged;
  }
  if (over->is_list() && base->is_list() && all_named(*over) && all_named(*base)) {
    auto merged = std::make_shared<YamlNode>(*over);
    std::unordered_map<std::string, std::size_t> places;
    for (std::size_t i = 0; i < over->items.size(); ++i) places.emplace(over->items[i]->find("name")->value->text, i);
    for (const YamlRef& item : base->items) {
      const auto it = places.find(item->find("name")->value->text);
      if (it == places.end()) {
        merged->items.push_back(item);
      } else {
        merged->items[it->second] = merge_yaml(item, merged->items[it->second]);
      }
    }
    return merged;
  }
  return over->is_null() ? base : over;
}

}  // namespace logstone::local
