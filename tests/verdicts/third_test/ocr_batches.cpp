// An OCR pipeline: the glyphs and words of every page of a document are kept until its last page is read, since the
// language model looks at the whole document; then the text is written and all of it goes. It is stopped while the
// last document is being read.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <forward_list>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tidemark.h"

namespace {

struct Glyph {
  char guess;
  float certainty;
  std::vector<unsigned char> bitmap;
};

struct Word {
  std::string text;
  std::forward_list<Glyph> glyphs;
};

struct Page {
  std::vector<std::unique_ptr<Word>> words;
};

Page recognize(int words, std::mt19937& random) {
  Page page;
  std::vector<unsigned char> raster(50000 + random() % 40000, 255);
  for (int i = 0; i < words; ++i) {
    auto word = std::make_unique<Word>();
    const int length = 2 + static_cast<int>(random() % 9);
    for (int j = 0; j < length; ++j) {
      const std::size_t at = random() % (raster.size() - 200);
      word->glyphs.push_front({static_cast<char>('a' + random() % 26),
                               static_cast<float>(random() % 100) / 100,
                               {raster.begin() + static_cast<std::ptrdiff_t>(at),
                                raster.begin() + static_cast<std::ptrdiff_t>(at + 60 + random() % 120)}});
    }
    page.words.push_back(std::move(word));
  }
  return page;
}

std::size_t write_text(std::vector<Page>& document) {
  std::string text;
  for (Page& page : document) {
    for (auto& word : page.words) {
      for (const Glyph& glyph : word->glyphs) word->text += glyph.certainty > .2f ? glyph.guess : '?';
      text += word->text + ' ';
    }
  }
  return text.size();
}

}  // namespace

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.9;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--scale") == 0) scale = std::atof(argv[i + 1]);
    if (std::strcmp(argv[i], "--seconds") == 0) seconds = std::atof(argv[i + 1]);
  }
  const int pages_of_document[] = {9, 14, 7, 12, 16, 8, 11};
  int pages = 0;
  for (int count : pages_of_document) pages += count;
  std::mt19937 random(41);
  std::size_t characters = 0;
  static std::vector<Page> document;
  int unread = static_cast<int>(std::size(pages_of_document));
  for (int count : pages_of_document) {
    for (int i = 0; i < count; ++i) {
      document.push_back(recognize(static_cast<int>(scale * (150 + static_cast<int>(random() % 150))), random));
      std::this_thread::sleep_for(std::chrono::duration<double>(seconds / pages));
    }
    if (--unread == 0) break;
    characters += write_text(document);
    document.clear();
    tidemark_mark("document written");
  }
  std::printf("%zu\n", characters);
}
