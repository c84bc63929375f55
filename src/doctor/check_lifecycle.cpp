// Does the bucket delete logs sooner than they shall be kept?
#include <algorithm>

#include "doctor/checks.h"
#include "doctor/lifecycle_rules.h"
#include "doctor/ui_key_format.h"

namespace logstone::doctor {
namespace {

bool overlaps(std::string_view a, std::string_view b) { return a.starts_with(b) || b.starts_with(a); }

/// The archive that a rule deletes; null where it concerns none.
const Repository* concerned(const LifecycleRule& rule, const std::vector<const Repository*>& archives) {
  for (const Repository* archive : archives) {
    const bool bucket = rule.bucket.empty() || !archive->bucket.known || archive->bucket.value.empty() ||
                        rule.bucket == archive->bucket.value;
    if (bucket && overlaps(rule.prefix, fixed_prefix(archive->key_format.value))) return archive;
  }
  return nullptr;
}

}  // namespace

void check_lifecycle(const DeploymentFacts& facts, const WantedRetention& wanted, FindingList& out) {
  std::vector<const Repository*> archives;
  for (const ControllerFacts& controller : facts.controllers) {
    if (controller.repository && !controller.repository->kind.empty()) archives.push_back(&*controller.repository);
  }
  for (const NamespaceRepositories& one : facts.repositories) {
    for (const auto& [key, repository] : one.by_key) {
      if (!repository.kind.empty()) archives.push_back(&repository);
    }
  }
  for (const LifecycleRule& rule : find_lifecycle_rules(*facts.deployment)) {
    const Repository* archive = concerned(rule, archives);
    // Without any archive among the manifests, the rules were given on their own: then it is they that are asked about.
    if (archive == nullptr && !archives.empty()) continue;
    const std::string what = rule.form + " deletes objects " +
                             (rule.days ? std::to_string(*rule.days) + " days after they were written" : "at a date") +
                             (rule.bucket.empty() ? "" : " in bucket " + rule.bucket) +
                             (rule.prefix.empty() ? "" : " below " + rule.prefix);
    const std::string where =
        archive != nullptr ? "Argo's logs are there (" + archive->origin + ", " + archive->key_format.value + "). "
                           : "";
    const Nanoseconds life = std::chrono::hours(24) * std::min(rule.days.value_or(0), 36'500L);
    if (!wanted.given) {
      out.add("lifecycle-expires", Severity::kWarning, rule.place, what,
              where + "They are deleted then, whatever any retention says.",
              "Compare it with your retention (--keep or --retention-policy), or leave the logs out of the rule.");
    } else if (!wanted.keep || life < *wanted.keep) {
      const std::string keep = wanted.keep ? format_duration(*wanted.keep) : "forever";
      std::string edit = "Take the rule away, or give it a prefix that holds no logs.";
      if (wanted.keep) {
        const auto days = std::chrono::duration_cast<std::chrono::hours>(*wanted.keep).count() / 24 + 1;
        edit = "Expire after " + std::to_string(days) + " days at the earliest:\nDays: " + std::to_string(days);
      }
      out.add("lifecycle-short", Severity::kError, rule.place, what + "; they shall be kept " + keep,
              where + "The bucket deletes them before their time is over.", edit);
    }
  }
}

}  // namespace logstone::doctor
