#include "doctor/manifest_node.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <functional>
#include <map>
#include <sstream>
#include <stdexcept>

namespace logstone::doctor {

const Node* Node::find(std::string_view key) const {
  for (const NodeEntry& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

Node* Node::find(std::string_view key) { return const_cast<Node*>(std::as_const(*this).find(key)); }

const Node* Node::at(std::initializer_list<std::string_view> path) const {
  const Node* node = this;
  for (const std::string_view key : path) {
    node = node->find(key);
    if (node == nullptr) return nullptr;
  }
  return node->is_null() ? nullptr : node;
}

std::string Node::text_at(std::initializer_list<std::string_view> path) const {
  const Node* node = at(path);
  return node != nullptr && node->is_scalar() ? node->text : "";
}

Node& Node::set(std::string_view key, Node value) {
  if (Node* old = find(key); old != nullptr) return *old = std::move(value);
  kind = Kind::kMap;
  const Place place_of_value = value.place;
  entries.push_back({std::string(key), place_of_value, std::move(value)});
  return entries.back().value;
}

void Node::erase(std::string_view key) {
  std::erase_if(entries, [&](const NodeEntry& entry) { return entry.key == key; });
}

std::size_t Node::size() const {
  std::size_t count = 1;
  for (const Node& item : items) count += item.size();
  for (const NodeEntry& entry : entries) count += entry.value.size();
  return count;
}

Node Node::scalar(std::string text, Place place) {
  Node node;
  node.kind = Kind::kScalar;
  node.text = std::move(text);
  node.place = std::move(place);
  return node;
}

Node Node::map(Place place) {
  Node node;
  node.kind = Kind::kMap;
  node.place = std::move(place);
  return node;
}

namespace {

constexpr std::size_t kMaxNodes = 1'000'000;
constexpr std::size_t kMaxDepth = 100;

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, const Place& at) : text_(text), at_(at) {}

  Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add(make(Node::Kind::kNull, mark), anchor); }
  void OnAlias(const YAML::Mark&, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    Node copy = found == anchors_.end() ? Node() : found->second;
    count(copy.size());
    add(std::move(copy), 0);
  }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, const std::string& value) override {
    Node node = make(Node::Kind::kScalar, mark);
    node.text = value;
    const auto position = static_cast<std::size_t>(std::max(mark.pos, 0));
    node.literal = position < text_.size() && text_[position] == '|';
    add(std::move(node), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(make(Node::Kind::kList, mark), anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(make(Node::Kind::kMap, mark), anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Node node;
    YAML::anchor_t anchor = 0;
    std::optional<Node> key;  ///< A map's key that waits for its value.
  };

  Node make(Node::Kind kind, const YAML::Mark& mark) {
    count(1);
    Node node;
    node.kind = kind;
    node.place = Place{at_.file, at_.line + std::max(mark.line, 0)};
    return node;
  }
  void count(std::size_t more) {
    nodes_ += more;
    if (nodes_ > kMaxNodes) throw std::runtime_error("more than a million values in one document");
  }
  void open(Node node, YAML::anchor_t anchor) {
    if (open_.size() >= kMaxDepth) throw std::runtime_error("nested deeper than 100 levels");
    open_.push_back({std::move(node), anchor, {}});
  }
  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    if (done.node.is_map()) {
      keep_last_of_equal_keys(done.node);
      merge_keys(done.node);
    }
    add(std::move(done.node), done.anchor);
  }
  void add(Node node, YAML::anchor_t anchor) {
    if (anchor != 0) {
      count(node.size());
      anchors_[anchor] = node;
    }
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.is_list()) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.key) {
      parent.key = std::move(node);
    } else {
      Node key = *std::move(parent.key);
      parent.key.reset();
      // People look for a block where its name is.
      if (!node.is_scalar()) node.place = key.place;
      parent.node.entries.push_back({std::move(key.text), std::move(key.place), std::move(node)});
    }
  }
  /// As Kubernetes' own tools have it.
  static void keep_last_of_equal_keys(Node& map) {
    std::map<std::string_view, std::size_t> last;
    for (std::size_t i = 0; i < map.entries.size(); ++i) last[map.entries[i].key] = i;
    if (last.size() == map.entries.size()) return;
    std::vector<bool> kept(map.entries.size());
    for (const auto& [key, index] : last) kept[index] = true;
    std::vector<NodeEntry> entries;
    for (std::size_t i = 0; i < kept.size(); ++i) {
      if (kept[i]) entries.push_back(std::move(map.entries[i]));
    }
    map.entries = std::move(entries);
  }
  /// `<<: *base`: what the base has and the map itself has not.
  static void merge_keys(Node& map) {
    const Node* found = map.find("<<");
    if (found == nullptr) return;
    const Node merged = *found;
    map.erase("<<");
    const auto lay_under = [&map](const Node& base) {
      for (const NodeEntry& entry : base.entries) {
        if (map.find(entry.key) == nullptr) map.entries.push_back(entry);
      }
    };
    lay_under(merged);
    for (const Node& item : merged.items) lay_under(item);
  }

  std::string_view text_;
  const Place& at_;
  Node root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Node> anchors_;
  std::size_t nodes_ = 0;
};

/// Whether Helm has still to work on it. Argo's own tags (`{{workflow.name}}`) are no such thing.
bool looks_like_helm(std::string_view text) {
  for (std::size_t at = text.find("{{"); at != std::string_view::npos; at = text.find("{{", at + 2)) {
    std::string_view rest = text.substr(at + 2);
    if (rest.starts_with('-')) rest.remove_prefix(1);
    while (rest.starts_with(' ')) rest.remove_prefix(1);
    for (const std::string_view word :
         {".Values", ".Release", ".Chart", ".Files", ".Capabilities", "include ", "template ", "if ", "end ", "end}",
          "end-",    "else",     "range ", "with ",  "define ",       "toYaml ",  "$",         "/*",  "- if", "tpl "}) {
      if (rest.starts_with(word)) return true;
    }
  }
  return false;
}

Document read_document(std::string_view text, const Place& at) {
  Document document;
  document.place = at;
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    TreeBuilder builder(text, at);
    // One call a document: on malformed input, "is there another" may be true for ever.
    if (parser.HandleNextDocument(builder)) document.root = builder.take();
  } catch (const YAML::Exception& e) {
    document.problem = e.msg;
    document.problem_place = Place{at.file, at.line + std::max(e.mark.line, 0)};
  } catch (const std::exception& e) {
    document.problem = e.what();
    document.problem_place = at;
  }
  if (!document.problem.empty()) document.root = Node();
  document.helm_template = looks_like_helm(text);
  return document;
}

bool is_separator(std::string_view line) {
  return line.starts_with("---") && (line.size() == 3 || line[3] == ' ' || line[3] == '\t' || line[3] == '\r');
}

bool is_blank(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
    if (!line.empty() && line[0] != '#') return false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

}  // namespace

std::vector<Document> read_documents(std::string_view text, const Place& at) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  std::vector<Document> documents;
  std::size_t begin = 0;
  int begin_line = 0;
  int line_number = 0;
  const auto take = [&](std::size_t end) {
    const std::string_view part = text.substr(begin, end - begin);
    if (is_blank(part)) return;
    Document document = read_document(part, Place{at.file, at.line + begin_line});
    if (!document.root.is_null() || !document.problem.empty()) documents.push_back(std::move(document));
  };
  for (std::size_t position = 0; position < text.size(); ++line_number) {
    const std::size_t end = std::min(text.find('\n', position), text.size());
    const std::string_view line = text.substr(position, end - position);
    if (is_separator(line)) {
      take(position);
      // What stands behind the dashes belongs to the document that they begin.
      begin = position + 3;
      begin_line = line_number;
    }
    position = end + 1;
  }
  take(text.size());
  return documents;
}

std::optional<Node> read_inner(const Node& scalar) {
  if (!scalar.is_scalar()) return std::nullopt;
  const Place first{scalar.place.file, scalar.place.line + (scalar.literal ? 1 : 0)};
  auto documents = read_documents(scalar.text, first);
  if (documents.empty() || !documents.front().problem.empty()) return std::nullopt;
  Node root = std::move(documents.front().root);
  if (!scalar.literal) {
    // A quoted text's own line breaks say nothing of the file's.
    const std::function<void(Node&)> flatten = [&](Node& node) {
      node.place = scalar.place;
      for (Node& item : node.items) flatten(item);
      for (NodeEntry& entry : node.entries) {
        entry.place = scalar.place;
        flatten(entry.value);
      }
    };
    flatten(root);
  }
  return root;
}

}  // namespace logstone::doctor
