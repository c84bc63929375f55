// Makes gzip streams and tar archives for tests.
#pragma once

#include <zlib.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace logstone::test {

inline std::string gzip(std::string_view text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

inline std::string tar_entry(const std::string& name, std::string_view bytes, char type = '0') {
  std::string block(512, '\0');
  block.replace(0, std::min<std::size_t>(name.size(), 100), name, 0, 100);
  block.replace(100, 7, "0000644");
  char size[12];
  std::snprintf(size, sizeof size, "%011zo", bytes.size());
  block.replace(124, 11, size);
  block.replace(136, 11, "00000000000");
  block[156] = type;
  block.replace(257, 5, "ustar");
  block.replace(263, 2, "00");
  block.replace(148, 8, "        ");
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  char text[8];
  std::snprintf(text, sizeof text, "%06o", sum);
  block.replace(148, 7, std::string(text, 7));
  block += bytes;
  return block + std::string((512 - bytes.size() % 512) % 512, '\0');
}

inline std::string tar(const std::vector<std::pair<std::string, std::string>>& files) {
  std::string out = tar_entry("folder/", "", '5');
  for (const auto& [name, bytes] : files) out += tar_entry(name, bytes);
  return out + std::string(1024, '\0');
}

}  // namespace logstone::test
