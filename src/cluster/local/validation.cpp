#include "cluster/local/validation.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <set>
#include <vector>

#include "base/time.h"
#include "cluster/local/expression.h"
#include "cluster/local/template_tags.h"
#include "cluster/local/template_tags_visit.h"
#include "cluster/local/validation_references.h"

namespace logstone::local {

namespace {

bool has_tag(std::string_view text) { return text.find("{{") != std::string_view::npos; }

bool is_value_name(std::string_view name) {
  return !name.empty() && name.size() <= 128 && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_';
  });
}

/// The elements that stand on a cycle or behind one, in order; `before[i]` are those that i waits for.
std::vector<std::size_t> unordered(const std::vector<std::vector<std::size_t>>& before) {
  std::vector<std::size_t> waits(before.size(), 0);
  std::vector<std::vector<std::size_t>> after(before.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    waits[i] = before[i].size();
    for (const std::size_t j : before[i]) after[j].push_back(i);
  }
  std::vector<std::size_t> ready;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (waits[i] == 0) ready.push_back(i);
  }
  for (std::size_t next = 0; next < ready.size(); ++next) {
    for (const std::size_t j : after[ready[next]]) {
      if (--waits[j] == 0) ready.push_back(j);
    }
  }
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (waits[i] != 0) out.push_back(i);
  }
  return out;
}

/// One cycle among those, as "a -> b -> a".
std::string cycle_text(const std::vector<std::vector<std::size_t>>& before, const std::vector<std::size_t>& stuck,
                       const std::vector<std::string>& names) {
  const std::set<std::size_t> among(stuck.begin(), stuck.end());
  std::vector<std::size_t> way{stuck.front()};
  for (;;) {
    const auto& from = before[way.back()];
    const auto next = *std::find_if(from.begin(), from.end(), [&](std::size_t i) { return among.contains(i); });
    const auto seen = std::find(way.begin(), way.end(), next);
    const bool closed = seen != way.end();
    if (closed) way.erase(way.begin(), seen);
    way.push_back(next);
    if (closed) break;
  }
  std::string out;
  for (const std::size_t i : way) out += (out.empty() ? "" : " -> ") + names[i];
  return out;
}

class Validator {
 public:
  Validator(const ParsedWorkflow& workflow, Problems& problems)
      : workflow_(workflow), problems_(problems), references_(workflow) {}

  void run() {
    check_workflow();
    for (const auto& [key, tmpl] : workflow_.templates) {
      // Of templates given alongside only those that are called: the others may count on another workflow's arguments.
      if (tmpl.scope == "local") mark_reachable(tmpl);
    }
    for (const Template* tmpl : reachable_) check_template(*tmpl, "template " + tmpl->name);
  }

 private:
  void invalid(const std::string& where, const SourceLine& at, const std::string& text) {
    problems_.invalid(where, at, text);
  }

  void mark_reachable(const Template& start) {
    std::vector<const Template*> next{&start};
    while (!next.empty()) {
      const Template* tmpl = next.back();
      next.pop_back();
      if (!seen_.insert(tmpl).second) continue;
      reachable_.push_back(tmpl);
      const auto follow = [&](const auto& call) {
        // Inline templates are checked as a part of their step.
        if (const Template* callee = workflow_.find_template(tmpl->scope, call)) {
          if (!callee->name.empty()) next.push_back(callee);
        }
      };
      const auto of_step = [&](const Step& step) {
        if (!step.inline_template) follow(step);
        std::for_each(step.hooks.begin(), step.hooks.end(), follow);
      };
      for (const auto& group : tmpl->steps) std::for_each(group.begin(), group.end(), of_step);
      if (tmpl->dag) std::for_each(tmpl->dag->tasks.begin(), tmpl->dag->tasks.end(), of_step);
    }
  }

  // --- the workflow's own fields ---

  void check_workflow() {
    if (!workflow_.name.empty() && !is_kubernetes_name(workflow_.name, true)) {
      invalid("metadata.name", workflow_.at, bad_kubernetes_name(workflow_.name));
    } else if (workflow_.name.size() > 63) {
      invalid("metadata.name", workflow_.at, "must not be longer than 63 characters");
    }
    if (!workflow_.generate_name.empty() &&
        (!is_kubernetes_name(workflow_.generate_name + "x", true) || workflow_.generate_name.size() > 57)) {
      invalid("metadata.generateName", workflow_.at,
              "\"" + workflow_.generate_name.substr(0, 100) +
                  "\" must be lower-case letters, digits, - and ., begin with a letter or digit, and have at most 57 "
                  "characters");
    }
    if (!is_kubernetes_name(workflow_.name_space, false)) {
      invalid("metadata.namespace", workflow_.at, bad_kubernetes_name(workflow_.name_space));
    }
    check_names(workflow_.arguments, "spec.arguments");
    for (const Parameter& parameter : workflow_.arguments.parameters) {
      const std::string where = "spec.arguments.parameters." + parameter.name;
      if (!parameter.value) {
        invalid(where, parameter.at, "has no value; write one, or pass it with -p " + parameter.name + "=VALUE");
      } else {
        check_enum(parameter, *parameter.value, where, parameter.at);
      }
    }
    if (workflow_.entrypoint.empty()) {
      invalid("spec.entrypoint", workflow_.at, "missing; name the template to begin with");
    } else {
      check_start("spec.entrypoint", workflow_.entrypoint);
    }
    if (!workflow_.on_exit.empty()) check_start("spec.onExit", workflow_.on_exit);
    Place place;
    place.in_hook = true;
    for (const LifecycleHook& hook : workflow_.hooks) check_hook(hook, "spec.hooks." + hook.name, "local", place);
    visit_values(workflow_.arguments, [&](const std::string& text, const SourceLine& at) {
      check_text(text, at, "spec.arguments", Place{});
    });
  }

  void check_start(const std::string& where, const std::string& name) {
    const Template* tmpl = workflow_.find_template(name);
    if (tmpl == nullptr) {
      invalid(where, workflow_.at, missing_template("local", name));
      return;
    }
    check_given(*tmpl, workflow_.arguments, where, workflow_.at, true);
  }

  // --- templates ---

  void check_template(const Template& tmpl, const std::string& where) {
    if (!tmpl.name.empty() && !is_step_name(tmpl.name)) invalid(where, tmpl.at, bad_step_name("template"));
    check_names(tmpl.inputs, where + ", inputs");
    check_names(tmpl.outputs, where + ", outputs");
    Place inside;
    inside.tmpl = &tmpl;
    if (tmpl.type == TemplateType::kSteps) check_steps(tmpl, where, inside);
    if (tmpl.type == TemplateType::kDag) check_dag(tmpl, where, inside);
    if (tmpl.container_set) check_container_set(tmpl, where);
    visit_template(tmpl, [&](const std::string& text, const SourceLine& at) { check_text(text, at, where, inside); });
    for (const Parameter& parameter : tmpl.inputs.parameters) {
      const auto& given = parameter.value ? parameter.value : parameter.default_value;
      if (given) check_enum(parameter, *given, where + ", input parameter " + parameter.name, parameter.at);
    }
    check_inputs_and_outputs(tmpl, where, inside);
    check_times(tmpl, where);
  }

  void check_inputs_and_outputs(const Template& tmpl, const std::string& where, const Place& place) {
    for (const Artifact& artifact : tmpl.inputs.artifacts) {
      if (tmpl.is_pod() && artifact.path.empty()) {
        invalid(where + ", input artifact " + artifact.name, artifact.at, "needs a path, where the container finds it");
      }
    }
    for (const Artifact& artifact : tmpl.outputs.artifacts) {
      const std::string what = where + ", output artifact " + artifact.name;
      if (tmpl.is_pod() && artifact.path.empty()) {
        invalid(what, artifact.at, "needs a path, where the container leaves it");
      } else if (!tmpl.is_pod() && artifact.from.empty() && artifact.from_expression.empty() && !artifact.optional) {
        invalid(what, artifact.at, "needs `from`, the artifact of a step or task");
      }
      check_expression_text(artifact.from_expression, artifact.at, what, place);
    }
    for (const Parameter& parameter : tmpl.outputs.parameters) {
      const std::string what = where + ", output parameter " + parameter.name;
      if (!parameter.value_from) {
        if (!parameter.value) invalid(what, parameter.at, "needs valueFrom: path, parameter or expression");
        continue;
      }
      const ValueFrom& from = *parameter.value_from;
      check_expression_text(from.expression, parameter.at, what, place);
      if (from.supplied && !from.default_value) {
        problems_.unsupported(
            what, parameter.at,
            "waits for a person to supply it, which the local engine does not run; give valueFrom.default");
      } else if (!tmpl.is_pod() && !from.path.empty()) {
        invalid(what, parameter.at, "only a container or script can read a path; use valueFrom.parameter");
      } else if (from.path.empty() && from.parameter.empty() && from.expression.empty() && !from.default_value) {
        invalid(what, parameter.at, "needs valueFrom: path, parameter or expression");
      }
    }
  }

  void check_times(const Template& tmpl, const std::string& where) {
    const auto duration = [&](const std::string& text, const std::string& field, const SourceLine& at) {
      if (text.empty() || has_tag(text) || parse_duration(text)) return;
      invalid(where + ", " + field, at, "\"" + text.substr(0, 100) + "\" is no duration such as 30s, 5m or 1h");
    };
    const auto number = [&](const std::string& text, const std::string& field, const SourceLine& at, bool whole) {
      if (text.empty() || has_tag(text)) return;
      double value = -1;
      const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
      const bool good = status == std::errc() && end == text.data() + text.size() && value >= 0 &&
                        (!whole || (value < 1e15 && text.find_first_not_of("0123456789") == std::string::npos));
      if (!good) {
        invalid(
            where + ", " + field, at,
            "\"" + text.substr(0, 100) + "\" is no " + (whole ? "whole number of 0 or more" : "number of 0 or more"));
      }
    };
    duration(tmpl.timeout, "timeout", tmpl.at);
    number(tmpl.active_deadline_seconds, "activeDeadlineSeconds", tmpl.at, true);
    if (tmpl.suspend) duration(tmpl.suspend->duration, "suspend.duration", tmpl.at);
    if (tmpl.container_set && tmpl.container_set->retry) {
      duration(tmpl.container_set->retry->duration, "retryStrategy.duration", tmpl.at);
      number(tmpl.container_set->retry->retries, "retryStrategy.retries", tmpl.at, true);
    }
    if (!tmpl.retry_strategy) return;
    const RetryStrategy& retry = *tmpl.retry_strategy;
    number(retry.limit.value_or(""), "retryStrategy.limit", retry.at, true);
    if (!has_tag(retry.expression)) {
      if (auto checked = check_expression(retry.expression); !retry.expression.empty() && !checked) {
        invalid(where + ", retryStrategy.expression", retry.at, checked.error().message());
      }
    }
    if (!retry.backoff) return;
    duration(retry.backoff->duration, "retryStrategy.backoff.duration", retry.at);
    duration(retry.backoff->max_duration, "retryStrategy.backoff.maxDuration", retry.at);
    duration(retry.backoff->cap, "retryStrategy.backoff.cap", retry.at);
    number(retry.backoff->factor, "retryStrategy.backoff.factor", retry.at, false);
  }

  void check_container_set(const Template& tmpl, const std::string& where) {
    const auto& containers = tmpl.container_set->containers;
    std::map<std::string, std::size_t> places;
    std::vector<std::string> names;
    for (const Container& container : containers) {
      const std::string what = where + ", container " + container.name;
      if (!is_kubernetes_name(container.name, false)) invalid(what, container.at, bad_kubernetes_name(container.name));
      if (!places.emplace(container.name, names.size()).second) invalid(what, container.at, "stands twice");
      names.push_back(container.name);
    }
    std::vector<std::vector<std::size_t>> before(names.size());
    for (std::size_t i = 0; i < containers.size(); ++i) {
      for (const std::string& name : containers[i].dependencies) {
        const auto it = places.find(name);
        if (it == places.end()) {
          invalid(where + ", container " + names[i], containers[i].at,
                  "depends on " + name + ", which is no container here");
        } else {
          before[i].push_back(it->second);
        }
      }
    }
    if (const auto stuck = unordered(before); !stuck.empty()) {
      invalid(where, containers[stuck.front()].at,
              "its containers wait for each other: " + cycle_text(before, stuck, names));
    }
    if (!places.contains("main") && !(tmpl.outputs.parameters.empty() && tmpl.outputs.artifacts.empty())) {
      invalid(where, tmpl.at, "has outputs, so one of its containers must be named main");
    }
  }

  // --- steps and tasks ---

  void check_steps(const Template& tmpl, const std::string& where, Place& place) {
    if (tmpl.steps.empty()) invalid(where, tmpl.at, "has no steps");
    std::set<std::string> names;
    Place all = place;
    for (const auto& group : tmpl.steps) {
      for (const Step& step : group) all.callers.emplace(step.name, &step);
    }
    for (const auto& group : tmpl.steps) {
      for (const Step& step : group) {
        const std::string what = where + ", step " + step.name;
        if (!is_step_name(step.name)) invalid(what, step.at, bad_step_name("step"));
        if (!names.insert(step.name).second)
          invalid(what, step.at, "stands twice; names of steps are unique in a template");
        check_call(tmpl, step, what, place, all);
      }
      for (const Step& step : group) place.callers.emplace(step.name, &step);
    }
  }

  void check_dag(const Template& tmpl, const std::string& where, Place& place) {
    const std::vector<Task>& tasks = tmpl.dag->tasks;
    std::map<std::string, std::size_t> places;
    std::vector<std::string> names;
    for (const Task& task : tasks) {
      const std::string what = where + ", task " + task.name;
      if (!is_step_name(task.name)) invalid(what, task.at, bad_step_name("task"));
      if (!places.emplace(task.name, names.size()).second)
        invalid(what, task.at, "stands twice; names of tasks are unique in a template");
      names.push_back(task.name);
      place.callers.emplace(task.name, &task);
    }
    std::vector<std::vector<std::size_t>> before(tasks.size());
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      for (const std::string& name : waits_for(tasks[i], tasks, where)) {
        const auto it = places.find(name);
        if (it != places.end()) {
          before[i].push_back(it->second);
          continue;
        }
        const std::string meant = nearest(name, names);
        invalid(
            where + ", task " + names[i], tasks[i].at,
            "depends on " + name + ", which is no task here" + (meant.empty() ? "" : "; did you mean " + meant + "?"));
      }
    }
    if (const auto stuck = unordered(before); !stuck.empty()) {
      invalid(where, tasks[stuck.front()].at, "its tasks wait for each other: " + cycle_text(before, stuck, names));
      return;
    }
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      Place earlier;
      earlier.tmpl = &tmpl;
      std::vector<std::size_t> next = before[i];
      while (!next.empty()) {
        const std::size_t j = next.back();
        next.pop_back();
        if (!earlier.callers.emplace(names[j], &tasks[j]).second) continue;
        next.insert(next.end(), before[j].begin(), before[j].end());
      }
      check_call(tmpl, tasks[i], where + ", task " + names[i], earlier, place);
    }
    check_target(*tmpl.dag, where, tmpl.at, places);
  }

  void check_target(const Dag& dag, const std::string& where, const SourceLine& at,
                    const std::map<std::string, std::size_t>& places) {
    if (has_tag(dag.target)) return;
    std::string_view rest = dag.target;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find_first_of(" ,\t\n"), rest.size());
      const std::string name(rest.substr(0, end));
      if (!name.empty() && !places.contains(name)) invalid(where + ", dag.target", at, name + " is no task here");
      rest.remove_prefix(std::min(rest.size(), end + 1));
    }
  }

  std::vector<std::string> waits_for(const Task& task, const std::vector<Task>& tasks, const std::string& where) {
    const auto failed = [&](const Error& error) -> std::vector<std::string> {
      invalid(where + ", task " + task.name + ", depends", task.at, error.message());
      return {};
    };
    const auto depends = depends_of(task, tasks);
    if (!depends) return failed(depends.error());
    auto names = tasks_in_depends(*depends);
    if (!names) return failed(names.error());
    return *std::move(names);
  }

  void check_call(const Template& caller, const Step& step, const std::string& where, const Place& before,
                  const Place& all) {
    Place place = before;
    place.looping = step.loop.present() ? &step : nullptr;
    visit_step(step, [&](const std::string& text, const SourceLine& at) { check_text(text, at, where, place); });
    for (const Parameter& parameter : step.arguments.parameters) {
      if (parameter.value_from) check_expression_text(parameter.value_from->expression, parameter.at, where, place);
    }
    for (const Artifact& artifact : step.arguments.artifacts) {
      check_expression_text(artifact.from_expression, artifact.at, where, place);
    }
    if (auto checked = check_when(step.when); !checked) invalid(where + ", when", step.at, checked.error().message());
    check_loop(step, where);
    check_names(step.arguments, where + ", arguments");
    if (step.inline_template) {
      check_template(*step.inline_template, where + ", inline");
      check_given(*step.inline_template, step.arguments, where, step.at, false);
    } else {
      check_callee(caller.scope, step.template_name, step.template_ref, workflow_.find_template(caller.scope, step),
                   step.arguments, where, step.at);
    }
    Place in_hook = all;
    in_hook.looping = place.looping;
    in_hook.in_hook = true;
    for (const LifecycleHook& hook : step.hooks) check_hook(hook, where + ", hook " + hook.name, caller.scope, in_hook);
  }

  void check_loop(const Step& step, const std::string& where) {
    std::vector<std::string> texts;
    if (step.loop.items) texts = *step.loop.items;
    if (step.loop.param) texts.push_back(*step.loop.param);
    if (const auto& sequence = step.loop.sequence)
      texts = {sequence->count, sequence->start, sequence->end, sequence->format};
    if (!step.loop.present() || std::any_of(texts.begin(), texts.end(), has_tag)) return;
    if (auto rounds = expand_loop(step.loop); !rounds) invalid(where, step.at, rounds.error().message());
  }

  void check_hook(const LifecycleHook& hook, const std::string& where, const std::string& scope, const Place& place) {
    check_callee(scope, hook.template_name, hook.template_ref, workflow_.find_template(scope, hook), hook.arguments,
                 where, hook.at);
    visit_hook(hook, [&](const std::string& text, const SourceLine& at) { check_text(text, at, where, place); });
    check_expression_text(hook.expression, hook.at, where + ", expression", place);
  }

  void check_callee(const std::string& scope, const std::string& name, const std::optional<TemplateRef>& ref,
                    const Template* callee, const Values& arguments, const std::string& where, const SourceLine& at) {
    if (callee != nullptr) return check_given(*callee, arguments, where, at, false);
    if (ref) {
      if (has_tag(ref->template_name)) return;
      invalid(where, at,
              missing_template((ref->cluster_scope ? "cluster/" : "namespaced/") + ref->name, ref->template_name) +
                  " in " + ref->name);
    } else if (!has_tag(name) && !name.empty()) {
      invalid(where, at, missing_template(scope, name));
    }
  }

  /// Whether all that a template needs is given to it.
  void check_given(const Template& callee, const Values& given, const std::string& where, const SourceLine& at,
                   bool start) {
    const std::string to = callee.name.empty() ? "the inline template" : "template " + callee.name;
    for (const Parameter& input : callee.inputs.parameters) {
      const Parameter* argument = given.parameter(input.name);
      if (argument == nullptr) {
        if (input.value || input.default_value || (input.value_from && input.value_from->default_value)) continue;
        if (input.value_from && (!input.value_from->expression.empty() || !input.value_from->parameter.empty()))
          continue;
        invalid(where, at,
                to + " needs the input parameter " + input.name +
                    (start ? "; give it in spec.arguments" : "; give it in arguments"));
      } else if (!argument->value && !argument->value_from && !argument->default_value) {
        if (!start) invalid(where + ", argument " + input.name, argument->at, "has neither value nor valueFrom");
      } else if (argument->value) {
        check_enum(input, *argument->value, where + ", argument " + input.name, argument->at);
      }
    }
    for (const Artifact& input : callee.inputs.artifacts) {
      if (input.raw || !input.from.empty()) continue;
      const Artifact* argument = given.artifact(input.name);
      const bool empty =
          argument != nullptr && !argument->raw && argument->from.empty() && argument->from_expression.empty();
      if (input.optional || (argument != nullptr && argument->optional)) continue;
      if (argument == nullptr) {
        invalid(where, at, to + " needs the input artifact " + input.name + "; give it in arguments");
      } else if (empty) {
        invalid(where + ", argument " + input.name, argument->at, "has neither raw nor from");
      }
    }
  }

  void check_enum(const Parameter& input, const std::string& value, const std::string& where, const SourceLine& at) {
    const auto& allowed = input.enum_values;
    if (allowed.empty() || has_tag(value) || std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return;
    std::string list;
    for (const std::string& one : allowed) list += (list.empty() ? "" : ", ") + one;
    invalid(where, at, "\"" + value.substr(0, 100) + "\" is none of its enum: " + list.substr(0, 300));
  }

  void check_names(const Values& values, const std::string& where) {
    std::set<std::string> seen;
    for (const Parameter& parameter : values.parameters) {
      if (!is_value_name(parameter.name)) {
        invalid(where + ", parameter " + parameter.name.substr(0, 100), parameter.at,
                "a name has letters, digits, - and _ only");
      }
      if (!seen.insert(parameter.name).second)
        invalid(where + ", parameter " + parameter.name, parameter.at, "stands twice");
    }
    seen.clear();
    for (const Artifact& artifact : values.artifacts) {
      if (!is_value_name(artifact.name)) {
        invalid(where + ", artifact " + artifact.name.substr(0, 100), artifact.at,
                "a name has letters, digits, - and _ only");
      }
      if (!seen.insert(artifact.name).second)
        invalid(where + ", artifact " + artifact.name, artifact.at, "stands twice");
    }
  }

  // --- texts ---

  void check_text(const std::string& text, const SourceLine& at, const std::string& where, const Place& place) {
    if (!has_tag(text)) return;
    const auto tags = tags_of(text);
    if (!tags) return invalid(where, at, tags.error().message());
    for (const std::string& tag : *tags) {
      if (tag.starts_with('=')) {
        check_expression_text(tag.substr(1), at, where, place);
      } else if (const std::string why = references_.why_unknown(tag, place); !why.empty()) {
        invalid(where, at, "{{" + tag.substr(0, 200) + "}} has no value: " + why);
      }
    }
  }

  void check_expression_text(const std::string& expression, const SourceLine& at, const std::string& where,
                             const Place& place) {
    if (expression.empty() || has_tag(expression)) return;
    const auto names = names_in_expression(expression);
    if (!names) return invalid(where, at, names.error().message());
    for (const std::string& name : *names) {
      if (const std::string why = references_.why_unknown_in_expression(name, place); !why.empty()) {
        invalid(where, at, name.substr(0, 200) + " has no value: " + why);
      }
    }
  }

  [[nodiscard]] std::string missing_template(const std::string& scope, const std::string& name) const {
    std::vector<std::string> names;
    for (const auto& [key, tmpl] : workflow_.templates) {
      if (tmpl.scope == scope) names.push_back(tmpl.name);
    }
    const std::string meant = nearest(name, names);
    return "there is no template " + name.substr(0, 200) + (meant.empty() ? "" : "; did you mean " + meant + "?");
  }

  static std::string bad_step_name(const std::string& what) {
    return "the name of a " + what +
           " has letters, digits and - only, begins with a letter or digit, and has at most 128 characters";
  }
  static std::string bad_kubernetes_name(const std::string& name) {
    return "\"" + name.substr(0, 100) +
           "\" must be lower-case letters, digits and -, beginning and ending with a letter or digit";
  }

  const ParsedWorkflow& workflow_;
  Problems& problems_;
  References references_;
  std::set<const Template*> seen_;
  std::vector<const Template*> reachable_;
};

}  // namespace

bool is_step_name(std::string_view name) {
  return !name.empty() && name.size() <= 128 && name.front() != '-' &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '-'; });
}

bool is_kubernetes_name(std::string_view name, bool subdomain) {
  if (name.empty() || name.size() > (subdomain ? 253 : 63)) return false;
  const auto alphanumeric = [](unsigned char c) { return std::islower(c) != 0 || std::isdigit(c) != 0; };
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (alphanumeric(static_cast<unsigned char>(c))) continue;
    if (c != '-' && !(c == '.' && subdomain)) return false;
    if (i == 0 || i + 1 == name.size()) return false;
    if (c == '.' && (name[i - 1] == '.' || name[i - 1] == '-' || name[i + 1] == '-')) return false;
  }
  return true;
}

void validate_workflow(const ParsedWorkflow& workflow, Problems& problems) { Validator(workflow, problems).run(); }

}  // namespace logstone::local
