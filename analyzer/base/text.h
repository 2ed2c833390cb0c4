// Text from outside (command lines, symbol names, marks) made fit to print: valid UTF-8 for JSON, and no control
// characters for a terminal, which would obey them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tidemark {

// Invalid UTF-8 becomes U+FFFD; everything else stays.
std::string valid_utf8(std::string_view text);

// Valid UTF-8 without control characters: those are written as \n, \t, \xNN.
std::string printable(std::string_view text);

// One argument as a shell would need it: quoted only where necessary.
std::string shell_quoted(std::string_view argument);

// At most `limit` bytes (from 3), the end replaced by ... if need be; no character is cut in two.
std::string shortened(std::string text, size_t limit);

// The part behind the last slash.
std::string_view base_name(std::string_view path);

}  // namespace tidemark
