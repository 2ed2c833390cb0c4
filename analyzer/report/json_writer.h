// RapidJSON's streaming writer with typed members: `null` for what is not known, and valid UTF-8 whatever a text was.
// Not thread-safe.
#pragma once

#include <fmt/format.h>
#include <rapidjson/filewritestream.h>
#include <rapidjson/writer.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/base/file.h"
#include "analyzer/base/result.h"
#include "analyzer/base/text.h"

namespace tidemark::report {

// What JSON shows as null where the model has an empty text.
inline std::optional<std::string> known(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string>(text);
}

class Json {
 public:
  explicit Json(std::FILE* to) : file_(to), stream_(to, buffer_.data(), buffer_.size()), writer_(stream_) {
    writer_.SetMaxDecimalPlaces(9);
  }

  void open_object() { writer_.StartObject(); }
  void close_object() { writer_.EndObject(); }
  void open_array() { writer_.StartArray(); }
  void close_array() { writer_.EndArray(); }
  void key(const char* name) { writer_.Key(name); }

  void value(uint64_t number) { writer_.Uint64(number); }
  void value(uint32_t number) { writer_.Uint(number); }
  void value(int64_t number) { writer_.Int64(number); }
  void value(int number) { writer_.Int(number); }
  void value(bool truth) { writer_.Bool(truth); }
  void value(double number) { writer_.Double(std::isfinite(number) ? number : 0); }
  void value(const char* text) { text == nullptr ? writer_.Null() : writer_.String(text); }
  void value(const std::string& text) {
    const std::string valid = valid_utf8(text);
    writer_.String(valid.data(), static_cast<rapidjson::SizeType>(valid.size()));
  }
  void value(std::nullptr_t) { writer_.Null(); }
  template <class T>
  void value(const std::optional<T>& optional) {
    optional ? value(*optional) : value(nullptr);
  }
  template <class T>
  void value(const std::vector<T>& values) {
    open_array();
    for (const T& one : values) value(one);
    close_array();
  }
  template <class T>
  void member(const char* name, const T& content) {
    key(name);
    value(content);
  }

  template <class Write>
  void object(const char* name, const Write& write) {
    key(name);
    open_object();
    write();
    close_object();
  }
  // An object for each of `range`; `write` gets the element and writes its members.
  template <class Range, class Write>
  void objects(const char* name, const Range& range, const Write& write) {
    key(name);
    open_array();
    for (const auto& one : range) {
      open_object();
      write(one);
      close_object();
    }
    close_array();
  }
  // null when there is none.
  template <class T, class Write>
  void optional_object(const char* name, const std::optional<T>& optional, const Write& write) {
    if (optional) {
      object(name, [&] { write(*optional); });
    } else {
      member(name, nullptr);
    }
  }

  Status finish() {
    stream_.Put('\n');
    stream_.Flush();
    if (std::fflush(file_) != 0 || std::ferror(file_) != 0) {
      return Error{fmt::format("cannot write the report: {}", error_text(errno))};
    }
    return Done{};
  }

 private:
  std::FILE* file_;
  std::array<char, 65536> buffer_;
  rapidjson::FileWriteStream stream_;
  rapidjson::Writer<rapidjson::FileWriteStream> writer_;
};

}  // namespace tidemark::report
