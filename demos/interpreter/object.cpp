#include "object.h"

#include "collector.h"

namespace tombo {

void* Object::operator new(std::size_t size) { return allocate(size); }

void Object::operator delete(void* block, std::size_t size) { deallocate(block, size); }

void Object::became_candidate() { collector.add_candidate(static_cast<Container*>(this)); }

}  // namespace tombo
