#include "model/stream.h"

#include <algorithm>
#include <string_view>

#include "base/bytes.h"

namespace logstone {
namespace {

constexpr std::size_t kMaxKeyBytes = 200;
constexpr std::size_t kHashDigits = 16;

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

std::string sanitised(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (!is_alphanumeric(c) && c != '.' && c != '_' && c != '-') c = '_';
  }
  return out;
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

/// A UUID's first eight digits stand for it; of any other uid only the whole does.
bool uid_fits(std::string_view uid) {
  return is_uuid(uid) || (!uid.empty() && uid.size() < 8 && uid.find('.') == std::string_view::npos);
}

/// So long as no other identity can give the same text, it needs no hash.
bool speaks_for_itself(const StreamIdentity& id, std::string_view text) {
  return text.size() <= kMaxKeyBytes && sanitised(text) == text && uid_fits(id.pod_uid) && !id.pod_name.empty() &&
         is_alphanumeric(id.pod_name.front()) && !id.container.empty() && id.container.find('.') == std::string::npos;
}

std::string hash_of(const StreamIdentity& id) {
  std::string all;
  for (const std::string* part : {&id.pod_name, &id.pod_uid, &id.container}) {
    append_varint(all, part->size());
    all += *part;
  }
  append_u32(all, id.restart);
  return Digest::hex_of(all).substr(0, kHashDigits);
}

}  // namespace

std::string StreamIdentity::key() const {
  const std::string tail = '.' + pod_uid.substr(0, 8) + '.' + container + '.' + std::to_string(restart);
  std::string text = pod_name + tail;
  if (speaks_for_itself(*this, text)) return text;

  // Cut the pod's name first: the rest tells attempts of one pod apart.
  const std::size_t room = kMaxKeyBytes - 1 - kHashDigits;
  const std::size_t tail_size = std::min(tail.size(), room / 2);
  text = sanitised(pod_name.substr(0, room - tail_size) + tail.substr(tail.size() - tail_size));
  if (!is_alphanumeric(text.front())) text.front() = '_';  // Neither a hidden file nor a flag of some command.
  return text + '.' + hash_of(*this);
}

}  // namespace logstone
