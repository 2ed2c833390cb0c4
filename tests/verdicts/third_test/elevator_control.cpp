// The control of some elevators: the cars, their doors and the floors' buttons are made once and never change in
// number. Calls wait in arrays of fixed size; now and then a thread checks the brakes.
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace {

constexpr int kFloors = 32;

struct Car {
  int floor = 0;
  int direction = 1;
  std::array<bool, kFloors> stops{};
  long travelled = 0;
};

class Building {
 public:
  explicit Building(int cars) {
    for (int i = 0; i < cars; ++i) cars_.push_back(std::make_unique<Car>());
  }

  void call(int floor, int from) {
    Car* nearest = cars_.front().get();
    for (const auto& car : cars_)
      if (std::abs(car->floor - from) < std::abs(nearest->floor - from)) nearest = car.get();
    nearest->stops[static_cast<std::size_t>(from)] = nearest->stops[static_cast<std::size_t>(floor)] = true;
  }

  void move() {
    for (const auto& car : cars_) {
      if (car->floor + car->direction < 0 || car->floor + car->direction >= kFloors) car->direction = -car->direction;
      car->floor += car->direction;
      car->travelled += car->stops[static_cast<std::size_t>(car->floor)] ? 3 : 1;
      car->stops[static_cast<std::size_t>(car->floor)] = false;
    }
  }

  void check_brakes() {
    std::thread checker([this] {
      const std::vector<int> forces(cars_.size(), 9);
      for (std::size_t i = 0; i < cars_.size(); ++i) wear_ += forces[i];
    });
    checker.join();
  }

  long travelled() const {
    long sum = wear_;
    for (const auto& car : cars_) sum += car->travelled;
    return sum;
  }

 private:
  std::vector<std::unique_ptr<Car>> cars_;
  long wear_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.8;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--scale") == 0) scale = std::atof(argv[i + 1]);
    if (std::strcmp(argv[i], "--seconds") == 0) seconds = std::atof(argv[i + 1]);
  }
  static Building building(static_cast<int>(24 * scale) + 1);
  std::mt19937 random(55);
  for (int minute = 0; minute < 100; ++minute) {
    for (int i = 0; i < 1000; ++i) {
      const int from = static_cast<int>(random() % kFloors);
      if (from % 3 == 0) building.call(static_cast<int>(random() % kFloors), from);
      building.move();
    }
    if (minute % 10 == 9) building.check_brakes();
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / 100));
  }
  std::printf("%ld\n", building.travelled());
}
