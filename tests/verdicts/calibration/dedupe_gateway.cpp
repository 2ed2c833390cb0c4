// A payment gateway that must not book a request twice: it remembers the receipt of every request by its key.
//
// Nothing ever takes a receipt out again, so that the table grows with the traffic. Apart from it a request leaves
// nothing behind.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <unordered_map>

struct Receipt {
  std::string account;
  std::string body;
  long amount = 0;
};

class Gateway {
 public:
  long book(unsigned long number) {
    std::map<std::string, std::string> fields = parse(number);
    auto [found, fresh] = receipts_.try_emplace(fields["key"]);
    if (!fresh) return 0;
    Receipt& receipt = found->second;
    receipt.account = fields["account"];
    receipt.body = fields["account"] + " pays for " + fields["subject"];
    receipt.amount = static_cast<long>(number % 977);
    return receipt.amount;
  }

 private:
  static std::map<std::string, std::string> parse(unsigned long number) {
    return {{"key", "idempotency-key-" + std::to_string(number - number % 16 / 15)},  // one in 16 comes twice
            {"account", "customer-account-" + std::to_string(number * 48271 % 100'003)},
            {"subject", "an order of " + std::to_string(number % 9 + 1) + " articles, delivered to the door"}};
  }

  std::unordered_map<std::string, Receipt> receipts_;
};

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.6;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!std::strcmp(argv[i], "--scale")) scale = std::atof(argv[i + 1]);
    if (!std::strcmp(argv[i], "--seconds")) seconds = std::atof(argv[i + 1]);
  }
  static Gateway gateway;
  constexpr int kRounds = 50;
  const auto requests = static_cast<unsigned long>(900 * scale);
  long booked = 0;
  for (int round = 0; round < kRounds; ++round) {
    for (unsigned long i = 0; i < requests; ++i)
      booked += gateway.book(static_cast<unsigned long>(round) * requests + i);
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kRounds));
  }
  std::printf("booked %ld\n", booked);
}
