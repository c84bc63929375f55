// What an S3 server, STS or a metadata service may answer.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "store/s3/s3_answers.h"
#include "store/s3/s3_credentials.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace logstone;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(s3::read_list_page(text));
  static_cast<void>(s3::read_upload_id(text));
  static_cast<void>(s3::error_code(text));
  static_cast<void>(s3::read_removal_answer({200, {}, std::string(text)}));
  static_cast<void>(s3::error_of({400, {}, std::string(text)}, S3Settings{}));
  static_cast<void>(s3::read_web_identity_answer(text));
  static_cast<void>(s3::read_instance_metadata_answer(text));
  static_cast<void>(s3::read_profile(text, "default", "file"));
  static_cast<void>(parse_s3_url("s3://" + std::string(text), {}));
  return 0;
}
