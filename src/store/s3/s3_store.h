// An ObjectStore in an S3 bucket: AWS, SeaweedFS, MinIO, Ceph and others that speak its protocol (docs/s3.md).
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "store/object_store.h"

namespace logstone {

/// Where the keys come from; the first that is set is used, in the order of the fields.
struct S3CredentialSource {
  std::string secret_folder;  ///< A mounted Secret: files `accesskey`, `secretkey`, and `sessiontoken` if there is one.
  std::string access_key;     ///< With secret_key, and session_token where it is a temporary key.
  std::string secret_key;
  std::string session_token;
  std::string web_identity_token_file;  ///< With role_arn: keys of the role, from STS, renewed before they end.
  std::string role_arn;
  std::string role_session_name;  ///< "logstone" where empty.
  std::string sts_endpoint;       ///< "https://sts.REGION.amazonaws.com".
  std::string credentials_file;   ///< The AWS tools' file; read again when the store refuses the keys, as a Secret is.
  std::string profile = "default";
  bool instance_metadata = false;     ///< Ask the machine's metadata service (IMDSv2) when nothing else has keys.
  std::string metadata_forbidden_by;  ///< Name of the variable because of which it is not asked all the same.
  std::string metadata_endpoint;      ///< "http://169.254.169.254".
  std::string ca_file;                ///< PEM, for STS; empty: the system's.
};

/// What the store did so far. Thread-safe.
struct S3Metrics {
  std::atomic<std::uint64_t> requests{0};  ///< Tries, not calls.
  std::atomic<std::uint64_t> retries{0};
  std::atomic<std::uint64_t> failures{0};         ///< Calls that failed for good; a missing object is no failure.
  std::atomic<std::uint64_t> corrupt_answers{0};  ///< Bytes that were not what the store says they are.
  std::atomic<bool> away{false};  ///< The last call failed because the store did not answer, or asked for patience.
  std::atomic<std::uint64_t> bytes_sent{0};
  std::atomic<std::uint64_t> bytes_received{0};
};

struct S3Settings {
  enum class Addressing { kPath, kVirtualHost };
  /// kFlat asks for keys after a key, as AWS orders them. Stores that are a tree of folders underneath (SeaweedFS)
  /// order `a/x` before `a-b`, and would skip keys; kFolders reads such a tree folder by folder where one page does not
  /// hold it, and refuses keys that such stores take for others: with a backslash, or a part above 255 bytes.
  enum class Listing { kFlat, kFolders };

  std::string bucket;
  std::string prefix;    ///< Before every key, with a '/' between; may be empty.
  std::string endpoint;  ///< "https://host[:port]", without the bucket.
  std::string region = "us-east-1";
  Addressing addressing = Addressing::kPath;
  Listing listing = Listing::kFolders;
  std::string ca_file;  ///< PEM; empty: the system's.
  bool etags_are_md5 =
      true;  ///< Compare ETags that look like MD5 sums with the bytes; false for stores where they are none.
  S3CredentialSource credentials;

  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::seconds stall_timeout{15};  ///< A transfer below 1 KiB/s for so long is given up (1 s at least).
  /// No further try begins when a call has taken so long. While the store is away, one call after another, each has one
  /// try: who calls has a schedule of its own.
  std::chrono::milliseconds deadline{20'000};
  std::chrono::milliseconds first_backoff{100};
  std::chrono::milliseconds longest_backoff{5'000};
  std::uint64_t part_bytes = std::uint64_t{16} << 20;  ///< Larger objects are put in parts; S3 wants 5 MiB at least.
  std::shared_ptr<S3Metrics> metrics;                  ///< Counted into when given.
  bool may_be_away = false;                            ///< Opening warns where it would say kUnavailable.
};

/// `s3://bucket[/prefix][?endpoint=URL&region=R&addressing=path|host&listing=flat|folders&ca=FILE&profile=NAME&
/// credentials=FILE&secret=FOLDER&metadata=yes|no&etag=md5|opaque&timeout=15s]`; what it leaves open comes from the AWS
/// tools' variables in `environment`. Reads no file. kInvalidInput with the reason otherwise.
[[nodiscard]] Result<S3Settings> parse_s3_url(const std::string& url,
                                              const std::map<std::string, std::string>& environment);

/// Reads the credentials and asks the bucket for one key, so that what is wrong is told now: kInvalidInput (no such
/// bucket, no credentials), kForbidden (keys refused), kUnavailable (not reached within the deadline). Every call of
/// the store retries what may pass; kCorrupt when bytes kept being others than the store says they are.
[[nodiscard]] Result<std::unique_ptr<ObjectStore>> open_s3_store(S3Settings settings);

}  // namespace logstone
