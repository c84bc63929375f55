#include "tests/nodefiles/log_writer.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdio>
#include <fstream>

#include "base/file.h"
#include "cluster/nodefiles/cri_record.h"

namespace logstone::testing {

namespace fs = std::filesystem;

ScratchFolder::ScratchFolder() {
  std::string pattern = fs::temp_directory_path() / "logstone-nodefiles-XXXXXX";
  const char* made = mkdtemp(pattern.data());
  EXPECT_NE(made, nullptr);
  path_ = pattern;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void append_bytes(const fs::path& file, std::string_view bytes) {
  std::ofstream out(file, std::ios::binary | std::ios::app);
  out << bytes << std::flush;
  ASSERT_TRUE(out.good()) << file;
}

std::string gzip(std::string_view bytes) {
  z_stream deflater{};
  EXPECT_EQ(deflateInit2(&deflater, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&deflater, bytes.size()) + 64, '\0');
  deflater.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  deflater.avail_in = static_cast<uInt>(bytes.size());
  deflater.next_out = reinterpret_cast<Bytef*>(out.data());
  deflater.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&deflater, Z_FINISH), Z_STREAM_END);
  out.resize(deflater.total_out);
  deflateEnd(&deflater);
  return out;
}

LogWriter::LogWriter(fs::path folder, std::uint32_t restart)
    : folder_(std::move(folder)), restart_(restart), now_(1'790'000'000'000'000'000 + restart * 1'000'000'000'000) {}

void LogWriter::make_folder() const { fs::create_directories(folder_); }

fs::path LogWriter::current() const { return folder_ / (std::to_string(restart_) + ".log"); }

std::string LogWriter::record(std::string_view text, bool ends_line, Output output) {
  std::string out;
  now_ += 1000;
  append_cri_record(out, LogPiece{from_unix_nanoseconds(now_), output, ends_line, text});
  return out;
}

void LogWriter::write(std::string_view text, bool ends_line, Output output) {
  append_bytes(current(), record(text, ends_line, output));
}

void LogWriter::rotate() {
  // Several rotations within a second get a counting suffix.
  const int rotation = rotations_++;
  char name[32];
  std::snprintf(name, sizeof name, ".20261125-%02d%02d%02d", 9 + rotation / 10800, rotation / 180 % 60,
                rotation / 3 % 60);
  fs::path rotated = current();
  rotated += name;
  if (rotation % 3 > 0) rotated += "." + std::to_string(rotation % 3);
  fs::rename(current(), rotated);
  append_bytes(current(), "");
  rotated_.push_back(rotated);
}

void LogWriter::compress(std::size_t index) {
  fs::path& file = rotated_.at(index);
  if (file.extension() == ".gz") return;
  auto bytes = read_file(file);
  ASSERT_TRUE(bytes) << bytes.error().message();
  fs::path unfinished = file, finished = file;
  unfinished += ".tmp";
  finished += ".gz";
  append_bytes(unfinished, gzip(*bytes));
  fs::rename(unfinished, finished);
  fs::remove(file);
  file = finished;
}

void LogWriter::remove(std::size_t index) {
  fs::remove(rotated_.at(index));
  rotated_.erase(rotated_.begin() + static_cast<long>(index));
}

}  // namespace logstone::testing
