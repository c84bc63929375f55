// A small deployment in which nothing is wrong, and ways to spoil it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "doctor/examination.h"

namespace logstone::doctor {

/// UI, controller, Secret and persistence agent that fit each other.
[[nodiscard]] std::string healthy_deployment();
/// `text` with `from`, which must be there, replaced by `to`.
[[nodiscard]] std::string spoiled(std::string text, const std::string& from, const std::string& to);
/// What the doctor says of one text.
[[nodiscard]] Examination examine_text(const std::string& text, const WantedRetention& wanted = {});
[[nodiscard]] std::vector<std::string> ids_of(const Examination& examination);
/// The finding of that id; fails the test where there is none.
[[nodiscard]] Finding find_finding(const Examination& examination, const std::string& id);
/// The 1-based line on which `part` first stands in `text`.
[[nodiscard]] int line_of(const std::string& text, const std::string& part);

/// A folder that is removed again.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  void write(const std::string& name, const std::string& text) const;
  [[nodiscard]] std::string path(const std::string& name = "") const;

 private:
  std::filesystem::path path_;
};

}  // namespace logstone::doctor
