#include "model/retention_policy.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>
#include <sstream>

namespace logstone {
namespace {

/// Whether `text` is `pattern`, in which each `*` stands for any run of characters.
bool matches_pattern(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

bool matches_rule(const RetentionRule& rule, const WorkflowRecord& record) {
  return (rule.name_space.empty() || matches_pattern(rule.name_space, record.id.name_space)) &&
         rule.labels.matches(record.labels) &&
         (rule.phases.empty() || std::find(rule.phases.begin(), rule.phases.end(), record.phase) != rule.phases.end());
}

class PolicyReader {
 public:
  explicit PolicyReader(std::string_view name) : name_(name) {}

  Result<std::vector<RetentionRule>> read(const std::string& text) const {
    std::vector<RetentionRule> rules;
    LOGSTONE_TRY(check_one_document(text));
    const YAML::Node root = YAML::Load(text);
    if (root.IsNull()) return rules;
    LOGSTONE_TRY(check_keys(root, "the policy", {"rules"}));
    const YAML::Node list = root["rules"];
    if (!list || list.IsNull()) return rules;
    if (!list.IsSequence()) return bad(list, "\"rules\" is not a list", "Begin each rule with \"- \".");
    for (const YAML::Node& item : list) {
      LOGSTONE_ASSIGN(RetentionRule rule, read_rule(item));
      rules.push_back(std::move(rule));
    }
    return rules;
  }

  Error bad(const YAML::Node& node, std::string reason, std::string advice) const {
    return bad_at(node.Mark(), std::move(reason), std::move(advice));
  }
  Error bad_at(const YAML::Mark& mark, std::string reason, std::string advice) const {
    return Error{ErrorKind::kInvalidInput, "read retention policy",
                 mark.is_null() ? name_ : name_ + ':' + std::to_string(mark.line + 1), std::move(reason),
                 std::move(advice)};
  }

 private:
  /// YAML::LoadAll would tell as well, but never ends on some malformed texts.
  Result<> check_one_document(const std::string& text) const {
    class FirstMark final : public YAML::EventHandler {
     public:
      YAML::Mark mark;
      void OnDocumentStart(const YAML::Mark& at) override { mark = at; }
      void OnDocumentEnd() override {}
      void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
      void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
      void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
      void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
      void OnSequenceEnd() override {}
      void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
      void OnMapEnd() override {}
    };
    std::istringstream in(text);
    YAML::Parser parser(in);
    FirstMark seen;
    if (parser.HandleNextDocument(seen) && parser.HandleNextDocument(seen)) {
      return bad_at(seen.mark, "something follows the first document", "Put all rules into one.");
    }
    return {};
  }

  Result<RetentionRule> read_rule(const YAML::Node& item) const {
    LOGSTONE_TRY(check_keys(item, "a rule", {"namespace", "labels", "phases", "keep"}));
    RetentionRule rule;
    LOGSTONE_ASSIGN(rule.name_space, read_text(item, "namespace"));
    LOGSTONE_ASSIGN(rule.labels_text, read_text(item, "labels"));
    auto labels = LabelSelector::parse(rule.labels_text);
    if (!labels) return bad(item["labels"], labels.error().reason, labels.error().advice);
    rule.labels = *std::move(labels);
    LOGSTONE_ASSIGN(rule.phases, read_phases(item["phases"]));
    LOGSTONE_ASSIGN(const std::string keep, read_text(item, "keep"));
    constexpr char kKeepAdvice[] = "Write it like \"keep: 90d\", or \"keep: forever\".";
    if (keep.empty()) return bad(item, "the rule does not say how long to keep", kKeepAdvice);
    if (keep == "forever") return rule;
    auto duration = parse_duration(keep);
    if (!duration) return bad(item["keep"], "\"keep: " + keep + "\": " + duration.error().reason, kKeepAdvice);
    // Somebody who writes 90 means days; seconds would remove everything at once.
    if (keep.find_first_not_of("+.0123456789") == std::string::npos) {
      return bad(item["keep"], "\"keep: " + keep + "\" has no unit", kKeepAdvice);
    }
    rule.keep = *duration;
    return rule;
  }

  Result<std::vector<Phase>> read_phases(const YAML::Node& node) const {
    std::vector<Phase> phases;
    if (!node || node.IsNull()) return phases;
    if (!node.IsSequence()) return bad(node, "\"phases\" is not a list", "Write it like \"phases: [Failed, Error]\".");
    for (const YAML::Node& item : node) {
      const auto phase = item.IsScalar() ? parse_phase(item.Scalar()) : std::nullopt;
      if (phase != Phase::kSucceeded && phase != Phase::kFailed && phase != Phase::kError) {
        return bad(item,
                   (item.IsScalar() ? '"' + item.Scalar() + '"' : "this") + " is not a phase that workflows end in",
                   "Use Succeeded, Failed or Error.");
      }
      phases.push_back(*phase);
    }
    return phases;
  }

  Result<std::string> read_text(const YAML::Node& map, const char* key) const {
    const YAML::Node node = map[key];
    if (!node || node.IsNull()) return std::string();
    if (!node.IsScalar()) return bad(node, '"' + std::string(key) + "\" is not a text", "Write it on one line.");
    return node.Scalar();
  }

  Result<> check_keys(const YAML::Node& map, const std::string& what, const std::set<std::string>& known) const {
    std::string list;
    for (const std::string& key : known) list += (list.empty() ? "" : ", ") + key;
    if (!map.IsMap()) return bad(map, what + " is not a mapping", "Known keys: " + list + '.');
    std::set<std::string> seen;
    for (const auto& entry : map) {
      const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
      if (known.count(key) == 0) return bad(entry.first, "unknown key \"" + key + '"', "Known keys: " + list + '.');
      if (!seen.insert(key).second)
        return bad(entry.first, "the key \"" + key + "\" is there twice", "Keep one of them.");
    }
    return {};
  }

  std::string name_;
};

}  // namespace

Result<RetentionPolicy> RetentionPolicy::parse(std::string_view yaml, std::string_view name) {
  const PolicyReader reader(name);
  try {
    LOGSTONE_ASSIGN(auto rules, reader.read(std::string(yaml)));
    return RetentionPolicy(std::move(rules));
  } catch (const YAML::Exception& e) {
    return reader.bad_at(e.mark, e.msg, "Correct the YAML there.");
  } catch (const std::exception& e) {
    return reader.bad_at(YAML::Mark::null_mark(), e.what(), "Correct the YAML.");
  }
}

std::optional<Timestamp> RetentionPolicy::expiry(const WorkflowRecord& record) const {
  if (!record.finished) return std::nullopt;
  std::optional<Nanoseconds> keep;
  if (record.retention) {
    keep = record.retention->keep;
  } else {
    const auto rule = std::find_if(rules_.begin(), rules_.end(),
                                   [&](const RetentionRule& candidate) { return matches_rule(candidate, record); });
    if (rule != rules_.end()) keep = rule->keep;
  }
  std::int64_t end = 0;
  if (!keep || __builtin_add_overflow(to_unix_nanoseconds(*record.finished), keep->count(), &end)) {
    return std::nullopt;  // Beyond the year 2262 is for ever.
  }
  return from_unix_nanoseconds(end);
}

}  // namespace logstone
