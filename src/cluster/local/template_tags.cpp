#include "cluster/local/template_tags.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "cluster/local/expression.h"
#include "cluster/local/template_tags_visit.h"

namespace logstone::local {

namespace {

constexpr std::size_t kMaxTextBytes = std::size_t{64} << 20;

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

/// Others belong to whatever language the text is in (`{{.Names}}` of docker's), and are left alone as Argo does.
bool is_ours(std::string_view tag) {
  constexpr std::array<std::string_view, 9> prefixes = {"item.",     "steps.", "inputs.",    "outputs.", "pod.",
                                                        "workflow.", "tasks.", "lastRetry.", "node."};
  return tag == "item" || tag == "retries" ||
         std::any_of(prefixes.begin(), prefixes.end(), [&](auto prefix) { return tag.starts_with(prefix); });
}

/// Calls `literal` and `tag` for the parts of a text; `tag` gets the inner part and the whole with its braces.
template <class Literal, class Tag>
Result<> scan(std::string_view text, Literal&& literal, Tag&& tag) {
  while (!text.empty()) {
    const std::size_t open = text.find("{{");
    const std::size_t close = open == std::string_view::npos ? open : text.find("}}", open + 2);
    if (close == std::string_view::npos) {
      literal(text);
      return {};
    }
    // `{{{a}}`: the innermost pair of braces is the tag's.
    const std::size_t inner = text.rfind("{{", close - 1);
    literal(text.substr(0, inner));
    LOGSTONE_TRY(tag(trimmed(text.substr(inner + 2, close - inner - 2)), text.substr(inner, close + 2 - inner)));
    text.remove_prefix(close + 2);
  }
  return {};
}

Result<bool> lacks_a_name(std::string_view expression, const Scope& scope) {
  LOGSTONE_ASSIGN(const std::vector<std::string> names, names_in_expression(expression));
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    if (scope.contains(name)) return false;
    const auto under = scope.lower_bound(name + ".");
    return under == scope.end() || !under->first.starts_with(name + ".");
  });
}

/// Visits the strings within a JSON value, so that what is put into one is escaped as JSON wants.
template <class Visit>
void visit_json(nlohmann::ordered_json& value, Visit&& visit, const SourceLine& at) {
  if (value.is_string()) {
    visit(value.get_ref<std::string&>(), at);
  } else if (value.is_structured()) {
    for (auto& inner : value) visit_json(inner, visit, at);
  }
}

/// Substitutes in every text that `visit_all` brings, and keeps the first error.
template <class Object, class VisitAll>
Result<Object> substituted(Object copy, const Scope& scope, Unresolved unresolved, VisitAll&& visit_all) {
  Result<> status;
  visit_all(copy, [&](std::string& text, const SourceLine& at) {
    if (!status || text.find("{{") == std::string::npos) return;
    Result<std::string> replaced = substitute(text, scope, unresolved);
    if (replaced) {
      text = *std::move(replaced);
    } else {
      Error error = std::move(replaced).error();
      error.subject += " (" + at.text() + ")";
      status = std::move(error);
    }
  });
  if (!status) return std::move(status).error();
  return copy;
}

}  // namespace

Result<std::string> substitute(std::string_view text, const Scope& scope, Unresolved unresolved) {
  std::string out;
  Result<> done = scan(
      text, [&](std::string_view literal) { out += literal; },
      [&](std::string_view tag, std::string_view whole) -> Result<> {
        if (tag.starts_with('=')) {
          const std::string_view expression = trimmed(tag.substr(1));
          if (unresolved == Unresolved::kKeep) {
            LOGSTONE_ASSIGN(const bool waits, lacks_a_name(expression, scope));
            if (waits) {
              out += whole;
              return {};
            }
          }
          LOGSTONE_ASSIGN(const std::string value, evaluate_expression(expression, scope));
          out += value;
        } else if (const auto it = scope.find(tag); it != scope.end()) {
          out += it->second;
        } else if (unresolved == Unresolved::kKeep || !is_ours(tag)) {
          out += whole;
        } else {
          return Error{ErrorKind::kInvalidInput, "replace tag", std::string(whole), "there is no such value here", ""};
        }
        if (out.size() > kMaxTextBytes) {
          return Error{ErrorKind::kInvalidInput, "replace tag", std::string(whole), "the text grows beyond 64 MiB", ""};
        }
        return {};
      });
  if (!done) return std::move(done).error();
  return out;
}

Result<std::vector<std::string>> tags_of(std::string_view text) {
  std::vector<std::string> out;
  Result<> done = scan(
      text, [](std::string_view) {},
      [&](std::string_view tag, std::string_view) -> Result<> {
        if (tag.starts_with('=')) {
          LOGSTONE_TRY(check_expression(trimmed(tag.substr(1))));
          out.push_back("=" + std::string(trimmed(tag.substr(1))));
        } else if (is_ours(tag)) {
          out.emplace_back(tag);
        }
        return {};
      });
  if (!done) return std::move(done).error();
  return out;
}

Result<Values> substitute_values(const Values& values, const Scope& scope, Unresolved unresolved) {
  return substituted(values, scope, unresolved, [](Values& v, auto visit) { visit_values(v, visit); });
}

Result<LifecycleHook> substitute_hook(const LifecycleHook& hook, const Scope& scope, Unresolved unresolved) {
  return substituted(hook, scope, unresolved, [](LifecycleHook& h, auto visit) { visit_hook(h, visit); });
}

Result<Step> substitute_step(const Step& step, const Scope& scope, Unresolved unresolved) {
  return substituted(step, scope, unresolved, [](Step& s, auto visit) {
    auto items = std::exchange(s.loop.items, std::nullopt);
    visit_step(s, visit);
    s.loop.items = std::move(items);
    if (!s.loop.items) return;
    for (std::string& item : *s.loop.items) {
      if (item.find("{{") == std::string::npos) continue;
      auto json = nlohmann::ordered_json::parse(item, nullptr, false);
      visit_json(json, visit, s.at);
      item = json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    }
  });
}

Result<Template> substitute_template(const Template& tmpl, const Scope& scope, Unresolved unresolved) {
  return substituted(tmpl, scope, unresolved, [](Template& t, auto visit) { visit_template(t, visit); });
}

}  // namespace logstone::local
