// A physics simulation of a few bodies: for each step two threads are started, each collects the contacts of its half,
// solves them, and frees what it collected. The bodies are an array of fixed size.
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

namespace {

struct Body {
  double x = 0, velocity = 0;
};

struct Contact {
  size_t a, b;
  std::unique_ptr<double[]> jacobian;
};

constexpr size_t kBodies = 128;
std::array<Body, kBodies> bodies;
std::array<double, 2> impulses;

void solve(size_t half, int step, int passes) {
  double impulse = 0;
  for (int pass = 0; pass < passes; ++pass) {
    std::vector<Contact> contacts;
    for (size_t a = half * kBodies / 2; a < (half + 1) * kBodies / 2; ++a) {
      for (size_t b = 0; b < kBodies; b += 9) {
        if (a == b || std::abs(bodies[a].x - bodies[b].x) > 0.2) continue;
        const size_t rows = 6 + (a * 31 + b + static_cast<size_t>(step)) % 12;
        contacts.push_back({a, b, std::make_unique<double[]>(rows)});
        for (size_t row = 0; row < rows; ++row) contacts.back().jacobian[row] = static_cast<double>(row) * 0.01;
      }
    }
    for (const Contact& contact : contacts) impulse += contact.jacobian[contact.a % 6];
  }
  impulses[half] = impulse;
}

}  // namespace

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.8;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!std::strcmp(argv[i], "--scale")) scale = std::atof(argv[i + 1]);
    if (!std::strcmp(argv[i], "--seconds")) seconds = std::atof(argv[i + 1]);
  }
  constexpr int kSteps = 120;
  for (size_t i = 0; i < kBodies; ++i) bodies[i].x = static_cast<double>(i * 37 % kBodies) / kBodies;
  double sum = 0;
  for (int step = 0; step < kSteps; ++step) {
    // A collision now and then takes more passes.
    const int passes = static_cast<int>((step % 11 == 0 ? 16 : 6) * scale);
    std::array<std::thread, 2> threads;
    for (size_t half = 0; half < threads.size(); ++half) threads[half] = std::thread(solve, half, step, passes);
    for (std::thread& thread : threads) thread.join();
    sum += impulses[0] + impulses[1];
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kSteps));
  }
  std::printf("%d steps, impulse %.2f\n", kSteps, sum);
}
