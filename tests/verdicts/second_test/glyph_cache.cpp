// A PDF renderer: the outline of each glyph is flattened when it is met first, and kept. A document has so many fonts
// of so many glyphs; after some pages nearly all were met.
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace {

struct Point {
  float x, y;
};

struct Outline {
  std::vector<Point> points;
  std::string name;
};

std::unordered_map<uint32_t, std::unique_ptr<Outline>> outlines;

const Outline& outline_of(uint32_t glyph) {
  std::unique_ptr<Outline>& outline = outlines[glyph];
  if (!outline) {
    outline = std::make_unique<Outline>();
    outline->name = "glyph" + std::to_string(glyph) + ".alternate";
    outline->points.resize(60 + glyph * 2654435761U % 120);
    for (size_t i = 0; i < outline->points.size(); ++i)
      outline->points[i] = {std::cos(static_cast<float>(i)), std::sin(static_cast<float>(i + glyph))};
  }
  return *outline;
}

float draw(const Outline& outline, float size) {
  std::vector<Point> placed(outline.points);
  float area = 0;
  for (Point& point : placed) {
    point.x *= size;
    point.y *= size;
    area += point.x * point.y;
  }
  return area;
}

}  // namespace

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.8;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!std::strcmp(argv[i], "--scale")) scale = std::atof(argv[i + 1]);
    if (!std::strcmp(argv[i], "--seconds")) seconds = std::atof(argv[i + 1]);
  }
  constexpr int kPages = 90;
  const auto glyphs = static_cast<uint32_t>(6000 * scale);
  std::mt19937 generator(1993);
  float area = 0;
  for (int page = 0; page < kPages; ++page) {
    const uint32_t letters = static_cast<uint32_t>((600 + generator() % 800) * scale);
    for (uint32_t i = 0; i < letters; ++i) area += draw(outline_of(generator() % glyphs), 12);
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kPages));
  }
  std::printf("%d pages, %zu outlines, %.1f\n", kPages, outlines.size(), static_cast<double>(area));
  return 0;
}
