#include "collector.h"

namespace tombo {

namespace {

bool is_container(Kind kind) {
  switch (kind) {
    case Kind::kList:
    case Kind::kDict:
    case Kind::kCell:
    case Kind::kEnvironment:
    case Kind::kFunction:
      return true;
    default:
      return false;
  }
}

}  // namespace

Container::Container(Kind kind) : Object(kind) { may_be_in_cycle_ = collector.is_on(); }

Container::~Container() { collector.remove_candidate(this); }

void Container::visit_value(const Value& value, See see, void* context) {
  if (value.is_object() && is_container(value.kind())) see(context, *static_cast<Container*>(value.object()));
}

void Collector::add_candidate(Container* container) {
  if (container->next_ != nullptr) return;
  if (candidates_ == nullptr) {
    container->previous_ = container->next_ = candidates_ = container;
    return;
  }
  container->next_ = candidates_;
  container->previous_ = candidates_->previous_;
  container->previous_->next_ = container->next_->previous_ = container;
}

void Collector::remove_candidate(Container* container) {
  if (container->next_ == nullptr) return;
  if (candidates_ == container) candidates_ = container->next_ == container ? nullptr : container->next_;
  container->previous_->next_ = container->next_;
  container->next_->previous_ = container->previous_;
  container->previous_ = container->next_ = nullptr;
}

std::size_t Collector::collect() {
  // All that the candidates reach, each once.
  Array<Container*> tried;
  const auto add = [](void* context, Container& container) {
    if (std::exchange(container.tried_, true)) return;
    container.outer_references_ = container.references();
    static_cast<Array<Container*>*>(context)->push_back(&container);
  };
  while (candidates_ != nullptr) {
    Container* candidate = candidates_;
    remove_candidate(candidate);
    add(&tried, *candidate);
  }
  for (std::size_t i = 0; i < tried.size(); ++i) tried[i]->visit(add, &tried);

  // Take away the references that come from inside. Who is left with some is held from outside, and so is all that
  // it reaches.
  for (Container* container : tried) {
    container->visit([](void*, Container& held) { --held.outer_references_; }, nullptr);
  }
  Array<Container*> held;
  const auto keep = [](void* context, Container& container) {
    if (std::exchange(container.tried_, false)) static_cast<Array<Container*>*>(context)->push_back(&container);
  };
  for (Container* container : tried) {
    if (container->outer_references_ != 0) keep(&held, *container);
  }
  for (std::size_t i = 0; i < held.size(); ++i) held[i]->visit(keep, &held);

  // The rest is garbage. It is held while its parts let go of one another.
  Array<Ref<Container>> garbage;
  for (Container* container : tried) {
    if (container->tried_) garbage.emplace_back(container);
  }
  for (const Ref<Container>& container : garbage) {
    container->tried_ = false;
    container->clear();
  }
  // Letting go made candidates of garbage.
  for (const Ref<Container>& container : garbage) remove_candidate(container.get());
  collected_ += garbage.size();
  return garbage.size();
}

}  // namespace tombo
