// Marks what the library exports; exports.map holds the same names, and a test compares both with the binary.
#pragma once

#define TIDEMARK_EXPORT extern "C" [[gnu::visibility("default")]]
