// What the bodies and statuses of S3's answers say.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/object_store.h"
#include "store/s3/s3_client.h"

namespace logstone::s3 {

struct ListPage {
  std::vector<ObjectInfo> objects;   ///< Keys as in the bucket.
  std::vector<std::string> folders;  ///< CommonPrefixes, each with its '/'.
  bool truncated = false;
  std::string continuation_token;
};

/// kCorrupt where it is no answer to a listing.
[[nodiscard]] Result<ListPage> read_list_page(std::string_view xml);
/// The body of DeleteObjects for keys as in the bucket.
[[nodiscard]] std::string removal_list(const std::vector<std::string>& keys);
/// DeleteObjects answers 200 and names those that stayed: the first such reason.
[[nodiscard]] Result<> read_removal_answer(const Answer& answer);
/// The id that CreateMultipartUpload gave.
[[nodiscard]] Result<std::string> read_upload_id(std::string_view xml);
/// The code of an <Error>, which CompleteMultipartUpload may send with a status of 200; nothing where it is none.
[[nodiscard]] std::optional<std::string> error_code(std::string_view xml);
/// The Error that an answer other than 2xx stands for; without subject.
[[nodiscard]] Error error_of(const Answer& answer, const S3Settings& settings);
/// Seconds since the epoch of an HTTP date; the epoch where it is none.
[[nodiscard]] Timestamp read_http_date(const std::string& text);

/// 32 hexadecimal digits.
[[nodiscard]] std::string md5_hex(std::string_view bytes);
[[nodiscard]] std::string md5_base64(std::string_view bytes);
/// False where an ETag that is an MD5 sum says that other bytes were stored. ETags of several parts, and of objects
/// whose encryption makes them no sum, prove nothing.
[[nodiscard]] bool etag_fits(const Answer& answer, const std::string& md5);

}  // namespace logstone::s3
