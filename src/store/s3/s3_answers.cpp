#include "store/s3/s3_answers.h"

#include <curl/curl.h>
#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>
#include <pugixml.hpp>

#include "base/bytes.h"

namespace logstone::s3 {
namespace {

constexpr unsigned kParse =
    pugi::parse_minimal | pugi::parse_escapes | pugi::parse_cdata | pugi::parse_ws_pcdata_single;

bool parse(pugi::xml_document& document, std::string_view xml) {
  return static_cast<bool>(document.load_buffer(xml.data(), xml.size(), kParse, pugi::encoding_utf8));
}

Error not_understood(const char* what) {
  return {ErrorKind::kCorrupt, "", "", std::string("the store's answer is not ") + what,
          "Check that the endpoint is an S3 server and no other program."};
}

/// Empty on a machine whose OpenSSL has no MD5 (FIPS mode).
std::string md5(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_md5(), nullptr) != 1) return {};
  return {reinterpret_cast<const char*>(digest), size};
}

/// encoding-type=url: %XX and '+' for a blank.
std::string url_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ptr == text.data() + i + 3) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

struct Meaning {
  ErrorKind kind;
  const char* advice;
};

const std::map<std::string_view, Meaning>& meanings() {
  static const std::map<std::string_view, Meaning> map = {
      {"NoSuchKey", {ErrorKind::kNotFound, ""}},
      {"NoSuchBucket", {ErrorKind::kInvalidInput, "Make the bucket, or correct its name in the store's URL."}},
      {"InvalidBucketName", {ErrorKind::kInvalidInput, "Correct the bucket's name in the store's URL."}},
      {"KeyTooLongError", {ErrorKind::kInvalidInput, "Choose a shorter prefix in the store's URL."}},
      {"InvalidAccessKeyId",
       {ErrorKind::kForbidden, "The store does not know this access key; check the credentials."}},
      {"SignatureDoesNotMatch",
       {ErrorKind::kForbidden,
        "The secret key does not belong to the access key, or the region is another; check both."}},
      {"AccessDenied",
       {ErrorKind::kForbidden,
        "Allow these keys s3:ListBucket, GetObject, PutObject, DeleteObject and AbortMultipartUpload on the bucket."}},
      {"RequestTimeTooSkewed", {ErrorKind::kForbidden, "This machine's clock differs from the store's; set it right."}},
      {"ExpiredToken", {ErrorKind::kForbidden, "The session token is no longer valid; renew the credentials."}},
      {"InvalidToken", {ErrorKind::kForbidden, "The session token is not valid; renew the credentials."}},
      {"AuthorizationHeaderMalformed", {ErrorKind::kInvalidInput, "Give the bucket's region with `region=`."}},
      {"PermanentRedirect", {ErrorKind::kInvalidInput, "The bucket is elsewhere; correct `region=` or `endpoint=`."}},
      {"NotImplemented", {ErrorKind::kUnsupported, ""}},
      {"PreconditionFailed", {ErrorKind::kConflict, ""}},
      {"ConditionalRequestConflict", {ErrorKind::kUnavailable, ""}},
      {"OperationAborted", {ErrorKind::kUnavailable, ""}},
      {"RequestTimeout", {ErrorKind::kUnavailable, ""}},
      {"SlowDown", {ErrorKind::kUnavailable, "The store asks for fewer requests."}},
      {"ServiceUnavailable", {ErrorKind::kUnavailable, ""}},
      {"InternalError", {ErrorKind::kUnavailable, ""}},
      {"BadDigest", {ErrorKind::kCorrupt, "Bytes changed on their way to the store."}},
      {"XAmzContentSHA256Mismatch", {ErrorKind::kCorrupt, "Bytes changed on their way to the store."}},
      {"QuotaExceeded", {ErrorKind::kOutOfSpace, "Make room in the store, or raise the quota."}},
      {"InsufficientStorage", {ErrorKind::kOutOfSpace, "Make room in the store."}},
      {"XMinioStorageFull", {ErrorKind::kOutOfSpace, "Make room in the store."}},
      {"EntityTooLarge", {ErrorKind::kInvalidInput, ""}},
  };
  return map;
}

Meaning meaning_of_status(int status) {
  if (status == 404) return {ErrorKind::kNotFound, ""};
  if (status == 401 || status == 403) return {ErrorKind::kForbidden, "Check the credentials and what they allow."};
  if (status == 409) return {ErrorKind::kUnavailable, ""};
  if (status == 412) return {ErrorKind::kConflict, ""};
  if (status == 501) return {ErrorKind::kUnsupported, ""};
  if (status == 507) return {ErrorKind::kOutOfSpace, "Make room in the store."};
  if (status == 408 || status == 429 || status >= 500) return {ErrorKind::kUnavailable, ""};
  if (status >= 300 && status < 400) {
    return {ErrorKind::kInvalidInput, "The bucket is elsewhere; correct `region=` or `endpoint=`."};
  }
  return {ErrorKind::kInvalidInput, "Check the store's URL: endpoint, region and addressing."};
}

/// Outside text in a message: one line, not too long.
std::string shown(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 300)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  return out;
}

Error error_of_code(std::string_view code, std::string_view words, int status) {
  const auto known = meanings().find(code);
  const Meaning meaning = known != meanings().end() ? known->second : meaning_of_status(status);
  std::string reason = "the store answered " + std::to_string(status);
  if (!code.empty()) reason += ' ' + shown(code);
  if (!words.empty()) reason += " (" + shown(words) + ')';
  return {meaning.kind, "", "", std::move(reason), meaning.advice};
}

}  // namespace

Result<ListPage> read_list_page(std::string_view xml) {
  pugi::xml_document document;
  const pugi::xml_node root = parse(document, xml) ? document.child("ListBucketResult") : pugi::xml_node();
  if (!root) return not_understood("a list of objects");
  const bool encoded = std::strcmp(root.child_value("EncodingType"), "url") == 0;
  const auto text = [encoded](const char* value) { return encoded ? url_decode(value) : std::string(value); };
  ListPage page;
  for (const pugi::xml_node object : root.children("Contents")) {
    ObjectInfo info;
    info.key = text(object.child_value("Key"));
    const std::string_view size = object.child_value("Size");
    const auto modified = parse_rfc3339(object.child_value("LastModified"));
    if (info.key.empty() || !modified ||
        std::from_chars(size.data(), size.data() + size.size(), info.size).ptr != size.data() + size.size()) {
      return not_understood("a list of objects with key, size and time");
    }
    // Seconds, as HEAD tells it.
    info.modified = std::chrono::floor<std::chrono::seconds>(*modified);
    page.objects.push_back(std::move(info));
  }
  for (const pugi::xml_node folder : root.children("CommonPrefixes")) {
    page.folders.push_back(text(folder.child_value("Prefix")));
  }
  page.truncated = std::strcmp(root.child_value("IsTruncated"), "true") == 0;
  page.continuation_token = root.child_value("NextContinuationToken");
  return page;
}

std::string removal_list(const std::vector<std::string>& keys) {
  pugi::xml_document document;
  pugi::xml_node root = document.append_child("Delete");
  root.append_child("Quiet").text() = "true";
  for (const std::string& key : keys) {
    root.append_child("Object").append_child("Key").text() = key.c_str();
  }
  struct Writer final : pugi::xml_writer {
    std::string text;
    void write(const void* data, std::size_t size) override { text.append(static_cast<const char*>(data), size); }
  } writer;
  document.save(writer, "", pugi::format_raw | pugi::format_no_declaration, pugi::encoding_utf8);
  return std::move(writer.text);
}

Result<> read_removal_answer(const Answer& answer) {
  pugi::xml_document document;
  const pugi::xml_node root = parse(document, answer.body) ? document.child("DeleteResult") : pugi::xml_node();
  if (!root) return not_understood("a list of removed objects");
  for (const pugi::xml_node failed : root.children("Error")) {
    const std::string code = failed.child_value("Code");
    if (code == "NoSuchKey") continue;
    Error error = error_of_code(code, failed.child_value("Message"), 500);
    error.reason = shown(failed.child_value("Key")) + ": " + error.reason;
    return error;
  }
  return {};
}

Result<std::string> read_upload_id(std::string_view xml) {
  pugi::xml_document document;
  if (!parse(document, xml)) return not_understood("the start of an upload");
  std::string id = document.child("InitiateMultipartUploadResult").child_value("UploadId");
  if (id.empty()) return not_understood("the start of an upload");
  return id;
}

std::optional<std::string> error_code(std::string_view xml) {
  pugi::xml_document document;
  if (xml.empty() || !parse(document, xml) || !document.child("Error")) return std::nullopt;
  return std::string(document.child("Error").child_value("Code"));
}

Error error_of(const Answer& answer, const S3Settings& settings) {
  pugi::xml_document document;
  pugi::xml_node told;
  if (parse(document, answer.body)) told = document.child("Error");
  Error error = error_of_code(told.child_value("Code"), told.child_value("Message"), answer.status);
  const std::string region = answer.header("x-amz-bucket-region");
  if (error.kind != ErrorKind::kUnavailable && !region.empty() && region != settings.region) {
    error.advice = "The bucket is in region " + shown(region) + ": give `region=" + shown(region) + "`.";
  }
  return error;
}

Timestamp read_http_date(const std::string& text) {
  const std::time_t seconds = curl_getdate(text.c_str(), nullptr);
  return from_unix_nanoseconds(seconds < 0 ? 0 : static_cast<std::int64_t>(seconds) * 1'000'000'000);
}

std::string md5_hex(std::string_view bytes) { return to_hex(md5(bytes)); }

std::string md5_base64(std::string_view bytes) {
  const std::string sum = md5(bytes);
  unsigned char text[4 * EVP_MAX_MD_SIZE / 3 + 4];
  const int size =
      EVP_EncodeBlock(text, reinterpret_cast<const unsigned char*>(sum.data()), static_cast<int>(sum.size()));
  return {reinterpret_cast<const char*>(text), static_cast<std::size_t>(size)};
}

bool etag_fits(const Answer& answer, const std::string& md5) {
  std::string etag = answer.header("etag");
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  const bool sum = etag.size() == 32 && etag.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
  const bool encrypted = answer.header("x-amz-server-side-encryption").starts_with("aws:") ||
                         !answer.header("x-amz-server-side-encryption-customer-algorithm").empty();
  // Without MD5 (a machine in FIPS mode) there is nothing to compare.
  if (!sum || encrypted || md5.empty()) return true;
  std::transform(etag.begin(), etag.end(), etag.begin(), [](unsigned char c) { return std::tolower(c); });
  return etag == md5;
}

}  // namespace logstone::s3
