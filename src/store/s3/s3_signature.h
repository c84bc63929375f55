// AWS Signature Version 4, by which S3 knows who asks and that nothing was changed on the way.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/time.h"

namespace logstone::s3 {

struct SigningKeys {
  std::string access;
  std::string secret;
  std::string region;
  std::string service = "s3";
};

/// What of a request is signed. All texts as they go over the wire.
struct SignedRequest {
  std::string method;
  std::string path;                            ///< Percent-encoded, begins with '/'.
  std::string query;                           ///< "name=value&..." percent-encoded and sorted; each name has its '='.
  std::map<std::string, std::string> headers;  ///< Names in small letters; "host" and "x-amz-date" among them.
  std::string body_sha256;                     ///< 64 hexadecimal digits.
};

/// "20130524T000000Z", for the header x-amz-date.
[[nodiscard]] std::string signing_time(Timestamp now);
/// The value of the Authorization header; the time is that of "x-amz-date".
[[nodiscard]] std::string authorization(const SignedRequest& request, const SigningKeys& keys);
/// 64 hexadecimal digits.
[[nodiscard]] std::string sha256_hex(std::string_view bytes);

}  // namespace logstone::s3
