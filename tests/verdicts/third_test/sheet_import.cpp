// A spreadsheet: looks through the folder for a while, imports two sheets with their shared strings, and then
// recalculates formulas until the user has had enough.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "tidemark.h"

namespace {

using Cell = std::variant<double, const std::string*>;

class Workbook {
 public:
  void import_row(std::size_t sheet, int row, std::mt19937& random) {
    if (sheets_.size() <= sheet) sheets_.resize(sheet + 1);
    std::ostringstream line;
    for (int column = 0; column < 12; ++column) line << random() % 100000 << ';';
    std::istringstream fields(line.str());
    int column = 0;
    for (std::string field; std::getline(fields, field, ';'); ++column) {
      if (column % 3 == 0) {
        sheets_[sheet][{row, column}] = &*strings_.insert("article number " + field.substr(0, 4)).first;
      } else {
        sheets_[sheet][{row, column}] = std::stod(field);
      }
    }
  }

  double recalculate(std::size_t sheet, int first, int last) const {
    std::map<std::string, double> sums;  // a pivot table of some rows
    const std::string* key = nullptr;    // a row begins with a text
    for (auto at = sheets_[sheet].lower_bound({first, 0}); at != sheets_[sheet].end() && at->first.first < last; ++at) {
      if (const auto* text = std::get_if<const std::string*>(&at->second)) {
        key = *text;
      } else {
        sums[*key] += std::get<double>(at->second);
      }
    }
    double largest = 0;
    for (const auto& [name, sum] : sums) largest = std::max(largest, sum + static_cast<double>(name.size()));
    return largest;
  }

 private:
  std::vector<std::map<std::pair<int, int>, Cell>> sheets_;
  std::unordered_set<std::string> strings_;
};

Workbook g_workbook;

std::size_t probe_folder(int files) {
  std::size_t length = 0;
  for (int i = 0; i < files; ++i) length += ("/home/user/documents/book" + std::to_string(i) + ".csv").size();
  return length;
}

}  // namespace

int main(int argc, char** argv) {
  double scale = 1, seconds = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--scale") == 0) scale = std::atof(argv[i + 1]);
    if (std::strcmp(argv[i], "--seconds") == 0) seconds = std::atof(argv[i + 1]);
  }
  constexpr int kSteps = 60;
  std::mt19937 random(3);
  const int rows = static_cast<int>(4000 * scale);
  double result = 0;
  for (int step = 0; step < kSteps; ++step) {
    if (step < 12) {
      result += static_cast<double>(probe_folder(2000));
    } else if (step == 12 || step == 17) {
      for (int row = 0; row < rows; ++row) g_workbook.import_row(step == 17, row, random);
      tidemark_mark(step == 12 ? "first sheet" : "second sheet");
    } else {
      const int first = static_cast<int>(random() % static_cast<unsigned>(rows * 9 / 10));
      for (int i = 0; i < 4; ++i) result += g_workbook.recalculate(step > 17 && i % 2, first, first + rows / 12);
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kSteps));
  }
  std::printf("%.0f\n", result);
}
