#include "argo/key_search.h"

#include <algorithm>
#include <array>

#include "model/argo_names.h"
#include "model/key_values.h"

namespace logstone::argo {
namespace {

constexpr std::size_t kPage = 1000;
constexpr std::size_t kMostNotes = 12;
constexpr std::size_t kMostInFolder = 100;  ///< Files of one pod; more is no pod's folder.
constexpr std::size_t kMostTold = 4;

std::string file_of(const std::string& key) { return key.substr(key.rfind('/') + 1); }
std::string folder_of(const std::string& key) { return key.substr(0, key.rfind('/')); }

/// The first few, and how many there are.
std::string told(const std::vector<std::string>& all) {
  std::string text;
  for (std::size_t i = 0; i < all.size() && i < kMostTold; ++i) text += (i == 0 ? "" : ", ") + all[i];
  if (all.size() > kMostTold) text += ", ... (" + std::to_string(all.size()) + " in all)";
  return text;
}

}  // namespace

std::optional<std::string> container_of_file(std::string_view file) {
  for (const std::string_view ending : {".gz", ".tgz"}) {
    if (file.ends_with(ending)) {
      file.remove_suffix(ending.size());
      break;
    }
  }
  for (const std::string_view ending : {".log", "-logs"}) {
    if (file.ends_with(ending) && file.size() > ending.size()) {
      file.remove_suffix(ending.size());
      return std::string(file);
    }
  }
  return std::nullopt;
}

std::string KeySearch::container() const {
  return request_.container.empty() ? settings_.default_container : request_.container;
}

void KeySearch::note(const std::string& text) {
  if (result_.outcome.find(text) != std::string::npos) return;
  if (static_cast<std::size_t>(std::count(result_.outcome.begin(), result_.outcome.end(), ';')) >= kMostNotes) return;
  result_.outcome += (result_.outcome.empty() ? "" : "; ") + text;
}

void KeySearch::add_hit(ObjectInfo object, const WorkflowIdentity& workflow, const std::string& container,
                        bool listed) {
  const auto same = [&](const KeyHit& hit) { return hit.object.key == object.key; };
  if (std::any_of(result_.hits.begin(), result_.hits.end(), same)) return;
  result_.hits.push_back({std::move(object), workflow, container, listed});
}

/// Would a workflow that is known not to be meant have put its pod's logs there?
bool KeySearch::is_strangers(const std::string& folder) const {
  return std::any_of(known_.strangers.begin(), known_.strangers.end(), [&](const WorkflowRecord& stranger) {
    const auto key = format_.render(pod_key_values(stranger, request_.pod_name));
    if (key) return *key == folder;
    return !format_
                .match(folder,
                       [&] {
                         TagValues values = workflow_key_values(stranger);
                         std::erase_if(values, [&](const auto& value) { return !format_.has_tag(value.first); });
                         return values;
                       }())
                .assignments.empty();
  });
}

KeySearchResult KeySearch::run() {
  std::vector<Folder> folders;
  std::vector<const KeyGuess*> partly_known;
  for (const KeyGuess& guess : known_.guesses) {
    // Without the pod's name in it a key may be another pod's, unless it has the node's, from the workflow itself.
    if (!format_.has_tag("pod.name") && !(guess.certain && format_.has_tag("node.name"))) {
      note("the key format has no {{pod.name}}, so that a key could be another pod's");
      continue;
    }
    if (!format_.unknown_tags(guess.values).empty()) {
      partly_known.push_back(&guess);
      continue;
    }
    auto key = format_.render(guess.values);
    if (!key) {
      note(key.error().reason);
      continue;
    }
    const auto same = [&](const Folder& folder) { return folder.key == *key; };
    if (std::any_of(folders.begin(), folders.end(), same)) continue;
    if (is_strangers(*key)) {
      note(*key + " is of another run or namespace");
      continue;
    }
    folders.push_back({*std::move(key), guess.workflow});
  }
  if (look_up(folders) && result_.hits.empty() && look_around(folders)) {
    for (const KeyGuess* guess : partly_known) list(*guess);
  } else if (!result_.hits.empty()) {
    // Another workflow may fit as well.
    for (const KeyGuess* guess : partly_known) list(*guess);
  }
  if (unsure_ && !result_.hits.empty()) {
    note(result_.hits.front().object.key + " fits, but so may one of the keys that were not listed");
    result_.hits.clear();
  }
  return std::move(result_);
}

/// False where the store does not answer: no use in asking it more.
bool KeySearch::look_up(const std::vector<Folder>& folders) {
  std::vector<std::string> missing;
  for (const Folder& folder : folders) {
    const std::string key = argo_log_key(folder.key, container());
    auto object = store_.head(key);
    if (object) {
      add_hit(*std::move(object), folder.workflow, container(), false);
      continue;
    }
    switch (object.error().kind) {
      case ErrorKind::kNotFound:
        missing.push_back(key);
        break;
      case ErrorKind::kForbidden:  // AWS says so of what is missing where the keys may not list.
      case ErrorKind::kInvalidInput:
        note(key + ": " + object.error().reason);
        break;
      default:
        note(object.error().message());
        return false;
    }
  }
  if (!missing.empty()) note("no object " + told(missing));
  return true;
}

/// The same folders, for what else Argo may have called the log.
bool KeySearch::look_around(const std::vector<Folder>& folders) {
  for (const Folder& folder : folders) {
    auto page = store_.list(folder.key + "/", {}, kMostInFolder);
    if (!page) {
      note("listing " + folder.key + "/: " + page.error().reason);
      if (page.error().retryable()) return false;
      continue;
    }
    std::vector<std::string> files;
    std::vector<std::pair<const ObjectInfo*, std::string>> logs;
    for (const ObjectInfo& object : page->objects) {
      if (folder_of(object.key) != folder.key) continue;
      files.push_back(file_of(object.key));
      if (auto name = container_of_file(files.back())) logs.emplace_back(&object, *std::move(name));
    }
    const bool only = request_.container.empty() && logs.size() == 1 && !page->more;
    bool found = false;
    for (const auto& [object, name] : logs) {
      if (name != container() && !only) continue;
      add_hit(*object, folder.workflow, name, false);
      found = true;
    }
    if (!found && !files.empty()) {
      note("no log of container " + container() + " at " + folder.key + "/, which has " + told(files));
    }
  }
  return true;
}

void KeySearch::list(const KeyGuess& guess) {
  std::string unknown;
  for (const auto& tag : format_.unknown_tags(guess.values)) unknown += (unknown.empty() ? "{{" : ", {{") + tag + "}}";
  const std::string prefix = format_.known_prefix(guess.values);
  auto known = listings_.find(prefix);
  if (known == listings_.end()) {
    known = listings_.emplace(prefix, std::vector<ObjectInfo>{}).first;
    std::string after;
    bool more = true;
    while (more && listed_ < settings_.most_listed) {
      auto page = store_.list(prefix, after, std::min(kPage, settings_.most_listed - listed_));
      if (!page) {
        note("listing " + prefix + ": " + page.error().reason);
        unsure_ = true;
        return;
      }
      more = page->more;
      listed_ += page->objects.size();
      if (page->objects.empty()) break;
      after = page->objects.back().key;
      std::move(page->objects.begin(), page->objects.end(), std::back_inserter(known->second));
    }
    if (more) {
      unsure_ = true;
      note("unknown: " + unknown + "; of the keys under \"" + prefix + "\" only the first " +
           std::to_string(settings_.most_listed) + " were listed");
    }
  }
  TagValues values = guess.values;
  std::erase_if(values, [&](const auto& value) { return !format_.has_tag(value.first); });
  std::vector<std::string> others;
  std::vector<const ObjectInfo*> in_folder;
  bool found = false;
  std::string folder;
  bool folder_fits = false;
  WorkflowIdentity workflow;
  for (const ObjectInfo& object : known->second) {
    const auto slash = object.key.rfind('/');
    if (slash == std::string::npos) continue;
    if (folder_of(object.key) != folder) {
      folder = folder_of(object.key);
      const KeyMatches matches = format_.match(folder, values);
      if (!matches.complete) unsure_ = true;
      folder_fits = !matches.assignments.empty() && !is_strangers(folder);
      if (folder_fits) {
        workflow = guess.workflow;
        const TagValues& first = matches.assignments.front();
        if (const auto name = first.find("workflow.name"); name != first.end()) workflow.name = name->second;
        if (const auto ns = first.find("workflow.namespace"); ns != first.end()) workflow.name_space = ns->second;
        if (const auto uid = first.find("workflow.uid"); uid != first.end()) workflow.uid = uid->second;
      }
    }
    if (!folder_fits) continue;
    const std::string file = file_of(object.key);
    const auto name = container_of_file(file);
    if (!name || *name != container()) {
      others.push_back(file);
      continue;
    }
    add_hit(object, workflow, *name, true);
    found = true;
  }
  if (found) return;
  note("unknown: " + unknown + "; none of " + std::to_string(known->second.size()) + " keys under \"" + prefix +
       "\" is the pod's" +
       (others.empty() ? "" : " log of container " + container() + ", but there are " + told(others)));
}

}  // namespace logstone::argo
