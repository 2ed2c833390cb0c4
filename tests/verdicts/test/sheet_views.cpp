// A spreadsheet. A window that is opened on a sheet subscribes to its changes; closing the window hides it and gives up
// its place on the screen, but the subscription stays, and so does what the window had drawn. All goes with the
// workbook, which is closed at the end of main.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

class Sheet {
 public:
  using Listener = std::function<void(std::size_t row, double value)>;

  explicit Sheet(std::size_t rows) : cells_(rows, 0.0) {}

  void subscribe(Listener listener) { listeners_.push_back(std::move(listener)); }

  void set(std::size_t row, double value) {
    cells_[row % cells_.size()] = value;
    for (const Listener& listener : listeners_) listener(row % cells_.size(), value);
  }

  double sum() const {
    double total = 0;
    for (double cell : cells_) total += cell;
    return total;
  }

  std::size_t rows() const { return cells_.size(); }

 private:
  std::vector<double> cells_;
  std::vector<Listener> listeners_;
};

class View {
 public:
  explicit View(const Sheet& sheet) : title_("Sheet with " + std::to_string(sheet.rows()) + " rows"), lines_(20) {
    for (auto& line : lines_) line.assign(64, ' ');
  }

  void redraw(std::size_t row, double value) {
    if (hidden_) return;
    std::ostringstream text;
    text << row << ": " << value;
    std::string& line = lines_[row % lines_.size()];
    line.replace(0, std::min<std::size_t>(text.str().size(), 40), text.str(), 0, 40);
  }

  void hide() { hidden_ = true; }

 private:
  std::string title_;
  std::vector<std::string> lines_;
  bool hidden_ = false;
};

class Workbook {
 public:
  explicit Workbook(double scale) : scale_(scale) {
    for (int i = 0; i < 4; ++i) sheets_.emplace_back(static_cast<std::size_t>(20'000 * scale));
  }

  void session(int number) {
    Sheet& sheet = sheets_[static_cast<std::size_t>(number) % sheets_.size()];
    std::vector<std::shared_ptr<View>> windows;
    for (int i = 0; i < 24 * scale_; ++i) {
      auto view = std::make_shared<View>(sheet);
      sheet.subscribe([view](std::size_t row, double value) { view->redraw(row, value); });
      windows.push_back(std::move(view));
    }
    for (std::size_t edit = 0; edit < 60; ++edit) sheet.set(edit * 331, static_cast<double>(number) + 0.25);
    for (auto& window : windows) window->hide();
  }

  double total() const {
    double total = 0;
    for (const Sheet& sheet : sheets_) total += sheet.sum();
    return total;
  }

 private:
  double scale_;
  std::vector<Sheet> sheets_;
};

int main(int argc, char** argv) {
  double scale = 1;
  double seconds = 0.8;
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  for (std::size_t i = 0; i + 1 < arguments.size(); i += 2) {
    if (arguments[i] == "--scale") scale = std::stod(arguments[i + 1]);
    if (arguments[i] == "--seconds") seconds = std::stod(arguments[i + 1]);
  }
  double total = 0;
  {
    Workbook workbook(scale);
    for (int number = 0; number < 72; ++number) {
      workbook.session(number);
      std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(seconds * 1000 / 72));
    }
    total = workbook.total();
  }
  std::printf("%.2f\n", total);
  return 0;
}
