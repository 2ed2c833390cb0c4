// The collector of cycles: trial deletion, over what can be reached from the candidates. A candidate is a container
// whose count fell, but not to zero: what is left of the count may come from a cycle.
//
// It is off unless switched on before the first container is made; then nothing keeps a list of the containers, and a
// cycle that the program gives up is held by nothing but itself.
#pragma once

#include <cstddef>

#include "object.h"

namespace tombo {

class Container : public Object {
 public:
  explicit Container(Kind kind);
  ~Container() override;

  // Calls `see` with the context for each container that it holds, once for each time it holds it.
  using See = void (*)(void* context, Container& held);
  virtual void visit(See see, void* context) = 0;
  // Lets go of all it holds.
  virtual void clear() = 0;

 protected:
  static void visit_value(const Value& value, See see, void* context);

 private:
  friend class Collector;

  Container* previous_ = nullptr;  // among the candidates, a ring
  Container* next_ = nullptr;
  std::uint32_t outer_references_ = 0;  // during a collection: those that come from outside of what is tried
  bool tried_ = false;
};

class Collector {
 public:
  void switch_on() { on_ = true; }
  [[nodiscard]] bool is_on() const { return on_; }

  void add_candidate(Container* container);
  void remove_candidate(Container* container);

  // Frees what only cycles hold; returns how many containers those were.
  std::size_t collect();
  [[nodiscard]] std::size_t collected() const { return collected_; }

 private:
  bool on_ = false;
  Container* candidates_ = nullptr;
  std::size_t collected_ = 0;
};
inline Collector collector;

}  // namespace tombo
