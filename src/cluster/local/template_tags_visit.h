// Visits every text of a step or template that may hold tags, for substitution and for validation alike.
// `visit(text, line)` gets `std::string&` of a mutable object, `const std::string&` of a const one.
#pragma once

#include "cluster/local/manifest.h"

namespace logstone::local {

template <class ValuesT, class Visit>
void visit_values(ValuesT& values, Visit&& visit) {
  for (auto& parameter : values.parameters) {
    if (parameter.value) visit(*parameter.value, parameter.at);
    if (parameter.default_value) visit(*parameter.default_value, parameter.at);
    if (!parameter.value_from) continue;
    visit(parameter.value_from->path, parameter.at);
    visit(parameter.value_from->parameter, parameter.at);
    visit(parameter.value_from->expression, parameter.at);
    if (parameter.value_from->default_value) visit(*parameter.value_from->default_value, parameter.at);
  }
  for (auto& artifact : values.artifacts) {
    visit(artifact.path, artifact.at);
    visit(artifact.from, artifact.at);
    visit(artifact.sub_path, artifact.at);
    if (artifact.raw) visit(*artifact.raw, artifact.at);
  }
}

template <class ContainerT, class Visit>
void visit_container(ContainerT& container, Visit&& visit) {
  visit(container.image, container.at);
  for (auto& text : container.command) visit(text, container.at);
  for (auto& text : container.args) visit(text, container.at);
  for (auto& variable : container.env) visit(variable.value, container.at);
  visit(container.working_dir, container.at);
  if (container.source) visit(*container.source, container.at);
}

template <class HookT, class Visit>
void visit_hook(HookT& hook, Visit&& visit) {
  visit(hook.template_name, hook.at);
  if (hook.template_ref) visit(hook.template_ref->template_name, hook.at);
  visit_values(hook.arguments, visit);
}

/// Without the hooks (they run in a later scope) and the inline template (it has inputs of its own).
template <class StepT, class Visit>
void visit_step(StepT& step, Visit&& visit) {
  visit(step.template_name, step.at);
  if (step.template_ref) visit(step.template_ref->template_name, step.at);
  visit_values(step.arguments, visit);
  visit(step.when, step.at);
  if (step.loop.items) {
    for (auto& item : *step.loop.items) visit(item, step.at);
  }
  if (step.loop.param) visit(*step.loop.param, step.at);
  if (step.loop.sequence) {
    visit(step.loop.sequence->count, step.at);
    visit(step.loop.sequence->start, step.at);
    visit(step.loop.sequence->end, step.at);
    visit(step.loop.sequence->format, step.at);
  }
}

/// Without steps and tasks.
template <class TemplateT, class Visit>
void visit_template(TemplateT& tmpl, Visit&& visit) {
  visit_values(tmpl.inputs, visit);
  visit_values(tmpl.outputs, visit);
  if (tmpl.container) visit_container(*tmpl.container, visit);
  if (tmpl.container_set) {
    for (auto& container : tmpl.container_set->containers) visit_container(container, visit);
    if (tmpl.container_set->retry) {
      visit(tmpl.container_set->retry->duration, tmpl.at);
      visit(tmpl.container_set->retry->retries, tmpl.at);
    }
  }
  if (tmpl.suspend) visit(tmpl.suspend->duration, tmpl.at);
  for (auto& [key, value] : tmpl.metadata.labels) visit(value, tmpl.at);
  for (auto& [key, value] : tmpl.metadata.annotations) visit(value, tmpl.at);
  if (tmpl.retry_strategy) {
    if (tmpl.retry_strategy->limit) visit(*tmpl.retry_strategy->limit, tmpl.retry_strategy->at);
    if (tmpl.retry_strategy->backoff) {
      visit(tmpl.retry_strategy->backoff->duration, tmpl.retry_strategy->at);
      visit(tmpl.retry_strategy->backoff->factor, tmpl.retry_strategy->at);
      visit(tmpl.retry_strategy->backoff->max_duration, tmpl.retry_strategy->at);
      visit(tmpl.retry_strategy->backoff->cap, tmpl.retry_strategy->at);
    }
  }
  visit(tmpl.timeout, tmpl.at);
  visit(tmpl.active_deadline_seconds, tmpl.at);
}

}  // namespace logstone::local
