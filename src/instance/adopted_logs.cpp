#include "instance/adopted_logs.h"

#include <charconv>

namespace logstone {
namespace {

/// "<prefix's number>:<last key>".
Result<adopt::AdoptionCursor> parse_cursor(const std::string& text) {
  adopt::AdoptionCursor cursor;
  if (text.empty()) return cursor;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, cursor.prefix);
  if (error != std::errc() || at == end || *at != ':') {
    return Error{ErrorKind::kInvalidInput, "read", "parameter `cursor`", "it is none that an answer gave", ""};
  }
  cursor.after.assign(at + 1, end);
  return cursor;
}

}  // namespace

Result<AdoptionAnswer> AdoptedLogs::adopt(const AdoptionQuery& query) {
  LOGSTONE_ASSIGN(ArgoBucket bucket, argo_.bucket());
  adopt::AdoptionOrder order;
  order.name_space = query.name_space;
  order.since = query.since;
  order.dry_run = query.dry_run;
  order.copy = query.copy;
  order.actor = query.actor;
  order.most = query.limit;
  LOGSTONE_ASSIGN(order.from, parse_cursor(query.cursor));
  adopt::AdoptionSource source{bucket.store, std::move(bucket.key_formats), std::move(bucket.default_namespace),
                               [&](const ObjectInfo& object, const std::string& container) {
                                 return argo_.objects().open(bucket.store, object, container);
                               }};
  LOGSTONE_ASSIGN(adopt::AdoptionStep step, adopt::Adoption(parts_, std::move(source)).step(order));
  AdoptionAnswer answer;
  answer.source = bucket.store->description();
  const adopt::AdoptionCounts& counts = step.counts;
  answer.counts = {{"objects", counts.objects},     {"adopted", counts.adopted},   {"updated", counts.updated},
                   {"unchanged", counts.unchanged}, {"ours", counts.ours},         {"unfinished", counts.unfinished},
                   {"removed", counts.removed},     {"filtered", counts.filtered}, {"foreign", counts.foreign},
                   {"unclear", counts.unclear},     {"failed", counts.failed},     {"bytes", counts.bytes}};
  for (auto& workflow : step.workflows) answer.workflows.push_back({std::move(workflow.id), workflow.logs});
  answer.problems = std::move(step.problems);
  if (step.next) answer.cursor = std::to_string(step.next->prefix) + ':' + step.next->after;
  return answer;
}

Result<ArgoBucket> AdoptedLogs::bucket_of(const ExternalObject& external) {
  LOGSTONE_ASSIGN(ArgoBucket bucket, argo_.bucket());
  const std::string description = bucket.store->description();
  if (description == external.store) return bucket;
  return Error{ErrorKind::kNotFound, "open adopted log", external.store + '/' + external.key,
               "it is in another bucket than argo_store names (" + description + ")", "Set argo_store to that bucket."};
}

Result<std::shared_ptr<LogView>> AdoptedLogs::open(const StreamRecord& stream) {
  const ExternalObject& external = *stream.external;
  LOGSTONE_ASSIGN(const ArgoBucket bucket, bucket_of(external));
  auto object = bucket.store->head(external.key);
  if (!object) {
    Error error = std::move(object).error();
    if (error.kind == ErrorKind::kNotFound) {
      error.attempted = "open adopted log";
      error.subject = external.store + '/' + external.key;
      error.reason = "Argo's object is gone: it was adopted by reference only";
      error.advice = "`logstone adopt --copy` keeps the others from the same.";
    }
    return error;
  }
  return argo_.objects().open(bucket.store, *object, stream.id.container);
}

Result<std::optional<std::string>> AdoptedLogs::check(const ExternalObject& external) {
  auto bucket = bucket_of(external);
  if (!bucket && bucket.error().kind == ErrorKind::kNotFound) return std::optional(bucket.error().reason);
  if (!bucket) return std::move(bucket).error();
  const auto object = bucket->store->head(external.key);
  if (!object && object.error().kind == ErrorKind::kNotFound) {
    return std::optional<std::string>("the adopted object is gone");
  }
  if (!object) return object.error();
  if (object->size != external.size) {
    return std::optional("the adopted object has " + std::to_string(object->size) + " bytes, in the record " +
                         std::to_string(external.size));
  }
  if (object->modified != external.modified) {
    return std::optional("the adopted object was written again at " + format_rfc3339(object->modified));
  }
  return std::optional<std::string>();
}

}  // namespace logstone
