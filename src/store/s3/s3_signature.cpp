#include "store/s3/s3_signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <ctime>

#include "base/bytes.h"

namespace logstone::s3 {
namespace {

constexpr const char* kAlgorithm = "AWS4-HMAC-SHA256";

std::string hmac(std::string_view key, std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), digest, &size);
  return {reinterpret_cast<const char*>(digest), size};
}

/// Blanks around a value are not signed, those within it count as one.
std::string trimmed(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c != ' ' || (!out.empty() && out.back() != ' ')) out += c;
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  return to_hex({reinterpret_cast<const char*>(digest), size});
}

std::string signing_time(Timestamp now) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(now));
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &utc)};
}

std::string authorization(const SignedRequest& request, const SigningKeys& keys) {
  std::string names;
  std::string headers;
  for (const auto& [name, value] : request.headers) {
    names += (names.empty() ? "" : ";") + name;
    headers += name + ':' + trimmed(value) + '\n';
  }
  const std::string canonical = request.method + '\n' + request.path + '\n' + request.query + '\n' + headers + '\n' +
                                names + '\n' + request.body_sha256;
  const auto date_header = request.headers.find("x-amz-date");
  const std::string time = date_header == request.headers.end() ? std::string() : date_header->second;
  const std::string date = time.substr(0, 8);
  const std::string scope = date + '/' + keys.region + '/' + keys.service + "/aws4_request";
  const std::string to_sign = std::string(kAlgorithm) + '\n' + time + '\n' + scope + '\n' + sha256_hex(canonical);
  std::string key = "AWS4" + keys.secret;
  for (const std::string_view part :
       {std::string_view(date), std::string_view(keys.region), std::string_view(keys.service)}) {
    key = hmac(key, part);
  }
  const std::string signature = to_hex(hmac(hmac(key, "aws4_request"), to_sign));
  return std::string(kAlgorithm) + " Credential=" + keys.access + '/' + scope + ",SignedHeaders=" + names +
         ",Signature=" + signature;
}

}  // namespace logstone::s3
