#include "doctor/lifecycle_rules.h"

#include <algorithm>
#include <charconv>
#include <functional>

namespace logstone::doctor {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

std::optional<long> number(std::string_view text) {
  long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value > 0 ? std::optional(value) : std::nullopt;
}

/// A map's value, whatever the key's letters (S3 writes Days, Crossplane days); a list of one stands for its element.
const Node* child(const Node* node, std::string_view key) {
  if (node == nullptr) return nullptr;
  if (node->is_list()) node = node->items.empty() ? nullptr : &node->items.front();
  if (node == nullptr) return nullptr;
  const Node* found = nullptr;
  for (const NodeEntry& entry : node->entries) {
    if (lower(entry.key) == key) found = &entry.value;
  }
  if (found != nullptr && found->is_list()) found = found->items.empty() ? nullptr : &found->items.front();
  return found;
}

std::string text_of(const Node* node) { return node != nullptr && node->is_scalar() ? node->text : ""; }

/// A rule in S3's words: Status, Filter/Prefix, Expiration.
std::optional<LifecycleRule> s3_rule(const Node& node) {
  const Node* expiration = child(&node, "expiration");
  if (expiration == nullptr) return std::nullopt;
  const std::string status = lower(text_of(child(&node, "status")));
  if (status == "disabled" || text_of(child(&node, "enabled")) == "false") return std::nullopt;
  LifecycleRule rule;
  rule.place = expiration->place;
  rule.days = number(text_of(child(expiration, "days")));
  if (!rule.days) rule.days = number(text_of(expiration));
  if (!rule.days && child(expiration, "date") == nullptr) return std::nullopt;
  rule.prefix = text_of(child(&node, "prefix"));
  const Node* filter = child(&node, "filter");
  if (rule.prefix.empty()) rule.prefix = text_of(child(filter, "prefix"));
  if (rule.prefix.empty()) rule.prefix = text_of(child(child(filter, "and"), "prefix"));
  return rule;
}

/// A rule in Google's words: action Delete, condition age. One for each prefix.
std::vector<LifecycleRule> google_rules(const Node& node) {
  const Node* condition = child(&node, "condition");
  if (condition == nullptr || lower(text_of(child(child(&node, "action"), "type"))) != "delete") return {};
  LifecycleRule rule;
  rule.place = condition->place;
  rule.days = number(text_of(child(condition, "age")));
  if (!rule.days) return {};
  std::vector<LifecycleRule> rules;
  for (const NodeEntry& entry : condition->entries) {
    if (lower(entry.key) != "matchesprefix") continue;
    for (const Node& prefix : entry.value.items) {
      rule.prefix = prefix.text;
      rules.push_back(rule);
    }
  }
  if (rules.empty()) rules.push_back(rule);
  return rules;
}

class RuleFinder {
 public:
  explicit RuleFinder(const Deployment& deployment) : deployment_(deployment) {}

  std::vector<LifecycleRule> run() {
    for (const LooseDocument& document : deployment_.loose) {
      if (document.root.is_null()) {
        append(read_lifecycle_xml(document.text, document.place), "", "S3 lifecycle configuration");
      } else if (is_lifecycle(document.root)) {
        in_tree(document.root, "", "lifecycle configuration");
      }
    }
    for (const Resource& resource : deployment_.resources) in_resource(resource);
    return std::move(rules_);
  }

 private:
  static bool is_lifecycle(const Node& root) {
    return std::any_of(root.entries.begin(), root.entries.end(),
                       [](const NodeEntry& entry) {
                         const std::string key = lower(entry.key);
                         return key == "rules" || key == "rule" || key == "lifecycle" ||
                                key == "lifecycleconfiguration";
                       }) ||
           std::any_of(root.items.begin(), root.items.end(),
                       [](const Node& item) { return child(&item, "expiration") != nullptr; });
  }

  void append(std::vector<LifecycleRule> rules, const std::string& bucket, const std::string& form) {
    for (LifecycleRule& rule : rules) {
      if (rule.bucket.empty()) rule.bucket = bucket;
      rule.form = form;
      rules_.push_back(std::move(rule));
    }
  }

  /// Rules at any depth: where exactly differs with every operator.
  void in_tree(const Node& node, const std::string& bucket, const std::string& form) {
    if (node.is_map()) {
      if (auto rule = s3_rule(node)) append({*std::move(rule)}, bucket, form);
      append(google_rules(node), bucket, form);
    }
    for (const Node& item : node.items) in_tree(item, bucket, form);
    for (const NodeEntry& entry : node.entries) in_tree(entry.value, bucket, form);
  }

  void in_text(const Node& value, const std::string& bucket, const std::string& form) {
    if (value.text.find("xpiration") == std::string::npos && value.text.find("condition") == std::string::npos) return;
    if (value.text.find("<Rule>") != std::string::npos) {
      append(read_lifecycle_xml(value.text, Place{value.place.file, value.place.line + (value.literal ? 1 : 0)}),
             bucket, form);
    } else if (const auto inner = read_inner(value); inner && (inner->is_map() || inner->is_list())) {
      in_tree(*inner, bucket, form);
    }
  }

  void in_resource(const Resource& resource) {
    const std::string kind = resource.kind();
    const std::string form = kind + ' ' + resource.name();
    if (kind.find("Bucket") != std::string::npos) {
      std::string bucket = resource.root.text_at({"spec", "forProvider", "bucket"});
      if (bucket.empty()) bucket = resource.root.text_at({"spec", "forProvider", "bucketRef", "name"});
      if (bucket.empty()) bucket = resource.root.text_at({"metadata", "annotations", "crossplane.io/external-name"});
      if (bucket.empty()) bucket = resource.root.text_at({"spec", "bucketName"});
      if (bucket.empty()) bucket = resource.root.text_at({"spec", "resourceID"});
      if (bucket.empty() && kind != "ObjectBucketClaim") bucket = resource.root.text_at({"spec", "name"});
      if (bucket.empty() && (kind == "Bucket" || kind == "StorageBucket")) bucket = resource.name();
      if (const Node* spec = resource.root.at({"spec"}); spec != nullptr) in_tree(*spec, bucket, form);
      if (const Node* extra = resource.root.at({"spec", "additionalConfig"}); extra != nullptr) {
        for (const NodeEntry& entry : extra->entries) in_text(entry.value, bucket, form);
      }
      return;
    }
    if (kind == "ConfigMap") {
      if (const Node* data = resource.root.at({"data"}); data != nullptr) {
        for (const NodeEntry& entry : data->entries) {
          in_text(entry.value, "", form + ", key " + entry.key);
          in_script(entry.value, form);
        }
        const Node* days = data->find("ARTIFACT_RETENTION_DAYS");
        if (days != nullptr && number(days->text)) {
          append({LifecycleRule{data->find("bucketName") != nullptr ? data->find("bucketName")->text : "",
                                "private-artifacts", number(days->text), days->place, ""}},
                 "", "ARTIFACT_RETENTION_DAYS");
        }
      }
      return;
    }
    if (kind == "Job" || kind == "CronJob" || kind == "Deployment" || kind == "StatefulSet" || kind == "Pod") {
      in_commands(resource.root, form);
    }
  }

  /// Commands, as lists of words or as scripts.
  void in_commands(const Node& node, const std::string& form) {
    for (const NodeEntry& entry : node.entries) {
      if ((entry.key == "command" || entry.key == "args") && entry.value.is_list()) {
        std::string words;
        for (const Node& item : entry.value.items) {
          if (item.text.find('\n') != std::string::npos || item.literal) {
            in_script(item, form);
          } else {
            words += item.text + ' ';
          }
        }
        in_script(Node::scalar(words, entry.value.place), form);
      } else {
        in_commands(entry.value, form);
      }
    }
    for (const Node& item : node.items) in_commands(item, form);
  }

  void in_script(const Node& script, const std::string& form) {
    if (script.text.find("ilm") == std::string::npos && script.text.find("fs.configure") == std::string::npos) return;
    std::string_view rest = script.text;
    for (int line = script.place.line + (script.literal ? 1 : 0); !rest.empty(); ++line) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      const Place place{script.place.file, script.literal ? line : script.place.line};
      in_command(rest.substr(0, end), place, form);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }

  void in_command(std::string_view line, const Place& place, const std::string& form) {
    std::vector<std::string> words;
    std::string word;
    for (const char c : line) {
      if (c == ' ' || c == '\t' || c == '"' || c == '\'' || c == '=' || c == ';' || c == '|') {
        if (!word.empty()) words.push_back(std::move(word));
        word.clear();
      } else {
        word += c;
      }
    }
    if (!word.empty()) words.push_back(std::move(word));
    const auto value_of = [&](std::initializer_list<std::string_view> flags) -> std::string {
      for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        for (const std::string_view flag : flags) {
          if (words[i] == flag) return words[i + 1];
        }
      }
      return "";
    };
    const auto has = [&](std::string_view wanted) {
      return std::find(words.begin(), words.end(), wanted) != words.end();
    };
    LifecycleRule rule;
    rule.place = place;
    if (has("ilm")) {
      rule.days = number(value_of({"--expire-days", "--expiry-days"}));
      rule.prefix = value_of({"--prefix"});
      // ALIAS/BUCKET[/PREFIX]
      for (const std::string& one : words) {
        const std::size_t slash = one.find('/');
        if (one.starts_with('-') || one.starts_with('/') || slash == std::string::npos || one == rule.prefix) continue;
        const std::string path = one.substr(slash + 1);
        rule.bucket = path.substr(0, path.find('/'));
        if (rule.prefix.empty() && path.find('/') != std::string::npos) rule.prefix = path.substr(path.find('/') + 1);
      }
      if (rule.days) append({rule}, "", "mc ilm in " + form);
    } else if (has("fs.configure")) {
      const std::string ttl = value_of({"-ttl", "--ttl"});
      std::string location = value_of({"-locationPrefix", "--locationPrefix"});
      if (ttl.empty() || !location.starts_with("/buckets/")) return;
      location.erase(0, 9);
      rule.bucket = location.substr(0, location.find('/'));
      if (location.find('/') != std::string::npos) rule.prefix = location.substr(location.find('/') + 1);
      // m minutes, h hours, d days, w weeks, M months, y years
      const auto count = number(std::string_view(ttl).substr(0, ttl.size() - 1));
      if (!count || *count > 100'000) return;
      switch (ttl.back()) {
        case 'w':
          rule.days = *count * 7;
          break;
        case 'M':
          rule.days = *count * 30;
          break;
        case 'y':
          rule.days = *count * 365;
          break;
        case 'd':
          rule.days = *count;
          break;
        case 'h':
          rule.days = (*count + 23) / 24;
          break;
        default:
          rule.days = 1;
      }
      append({rule}, "", "fs.configure in " + form);
    }
  }

  const Deployment& deployment_;
  std::vector<LifecycleRule> rules_;
};

/// The text of the first element of that name; none where there is no such element.
std::optional<std::string_view> element(std::string_view xml, const std::string& name) {
  const std::size_t begin = xml.find('<' + name + '>');
  if (begin == std::string_view::npos) return std::nullopt;
  const std::size_t from = begin + name.size() + 2;
  const std::size_t end = xml.find("</" + name + '>', from);
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view text = xml.substr(from, end - from);
  while (!text.empty() && (text.front() == ' ' || text.front() == '\n')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::vector<LifecycleRule> read_lifecycle_xml(std::string_view xml, const Place& place) {
  std::vector<LifecycleRule> rules;
  int line = place.line;
  for (std::size_t at = 0; at < xml.size();) {
    const std::size_t begin = xml.find("<Rule>", at);
    const std::size_t end = begin == std::string_view::npos ? begin : xml.find("</Rule>", begin);
    if (end == std::string_view::npos) break;
    line += static_cast<int>(std::count(xml.begin() + static_cast<std::ptrdiff_t>(at),
                                        xml.begin() + static_cast<std::ptrdiff_t>(begin), '\n'));
    const std::string_view body = xml.substr(begin + 6, end - begin - 6);
    const auto expiration = element(body, "Expiration");
    if (expiration && element(body, "Status").value_or("Enabled") != "Disabled") {
      LifecycleRule rule;
      rule.days = number(element(*expiration, "Days").value_or(""));
      rule.prefix = element(body, "Prefix").value_or("");
      rule.place = Place{place.file, line};
      if (rule.days || element(*expiration, "Date")) rules.push_back(std::move(rule));
    }
    line += static_cast<int>(std::count(xml.begin() + static_cast<std::ptrdiff_t>(begin),
                                        xml.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
    at = end;
  }
  return rules;
}

std::vector<LifecycleRule> find_lifecycle_rules(const Deployment& deployment) { return RuleFinder(deployment).run(); }

}  // namespace logstone::doctor
