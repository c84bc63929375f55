// Prints streams to standard output: one byte for byte, several line by line with their step before each line.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "cli/api_client.h"
#include "cli/stream_choice.h"

namespace logstone::cli {

struct PrintOptions {
  bool follow = false;
  bool timestamps = false;
  bool prefix = false;
  std::string tail;
  std::string since;
  std::string until;
};

class LogPrinter {
 public:
  LogPrinter(const ApiClient& client, std::string workflow_uid, PrintOptions options)
      : client_(client), uid_(std::move(workflow_uid)), options_(std::move(options)) {}

  /// Prints one stream to its end, or, when following, until it is complete. Any thread.
  [[nodiscard]] Result<> print(const ChosenStream& stream);
  /// Prints a pod's log by its name, wherever it is; `pod` may be `namespace/pod`.
  [[nodiscard]] Result<> print_pod(const std::string& pod, const std::string& container);
  /// Prints all that fit, also those that begin later, until the workflow has ended and they are complete.
  [[nodiscard]] Result<> follow_all(const StreamWish& wish);

 private:
  [[nodiscard]] Result<> print_path(const std::string& path, const std::string& label);
  [[nodiscard]] Query selection() const;
  [[nodiscard]] bool print_lines(const std::string& lines);

  const ApiClient& client_;
  const std::string uid_;
  const PrintOptions options_;
  std::mutex output_;
};

}  // namespace logstone::cli
