// Decodes the records of one chunk, in order. Its input is hostile: whatever the bytes are, it never reads outside the
// chunk, always advances, and tells damage from the end.
//
// A chunk decodes on its own (its header holds what the deltas are relative to), so chunks can be decoded in parallel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "trace/format.h"
#include "trace/records.h"
#include "trace/repeat_table.h"
#include "trace/varint.h"

namespace tidemark::trace {

struct Event {
  enum class Kind : uint8_t { kAlloc, kFree, kRealloc, kNode, kSized };
  Kind kind = Kind::kAlloc;
  bool timed = false;        // false: `time` is the one of the event before
  bool exact_pc = false;     // kNode
  Tag tag = Tag::kEnd;       // kSized: which record
  uint32_t node = 0;         // kAlloc, kRealloc: the stack; kNode: the id
  uint32_t parent = 0;       // kNode
  uint64_t time = 0;         // ticks; kRealloc: after the call
  uint64_t time_before = 0;  // kRealloc: before the call, when the old block ended
  uint64_t address = 0;      // kAlloc, kFree; kRealloc: the new block
  uint64_t old_address = 0;  // kRealloc
  uint64_t size = 0;         // requested bytes
  uint64_t pc = 0;           // kNode
  Bytes payload;             // kSized: behind the time; read_record() reads it
};

class ChunkDecoder {
 public:
  enum class Status { kEvent, kEnd, kDamaged };

  ChunkDecoder() = default;

  // `data` holds a whole chunk or its readable beginning: `size` bytes, at least a ChunkHeader, which must have been
  // checked with valid_header().
  ChunkDecoder(const uint8_t* data, size_t size) noexcept
      : begin_(data), at_(data + sizeof(ChunkHeader)), end_(data + size) {
    ChunkHeader header;
    std::memcpy(&header, data, sizeof(header));
    time_ = header.base_time;
    address_ = header.base_address;
    pc_ = header.base_pc;
    node_ = header.base_node;
  }

  // Whether a chunk header makes sense on its own.
  static bool valid_header(const ChunkHeader& header) noexcept {
    return header.magic == kChunkMagic && header.bytes >= kChunkAlignment && header.bytes <= kMaxChunkBytes &&
           header.bytes % kChunkAlignment == 0;
  }

  // After kEnd the same call may give an event later, if the chunk is still being written and `data` is a live mapping.
  // After kDamaged the chunk's rest is unusable.
  Status next(Event& event) noexcept {
    if (at_ >= end_ || *at_ == 0) return Status::kEnd;
    const uint8_t tag = *at_;
    const uint8_t* at = at_ + 1;
    event.timed = false;
    if ((tag & kTagAlloc) != 0) {
      event.kind = Event::Kind::kAlloc;
      if ((tag & kTagAllocTimed) != 0) at = read_time(at, event);
      const bool known = (tag & kTagAllocKnown) != 0;
      uint64_t delta = 0;
      if (at != nullptr) at = get_fixed(at, end_, kAddressLength[tag >> kAllocAddressCode & 3], delta);
      if (at == nullptr) return damaged();
      if (known) {
        if (at == end_) return damaged();
        set_site(event, sites_.at((tag >> kAllocSlotHigh & 3u) << 8 | *at++));
        delta = delta << kKnownDeltaBits | (tag & ((1u << kKnownDeltaBits) - 1));
      } else {
        if ((at = read_site(at, event)) == nullptr) return damaged();
        delta = delta << kNewDeltaBits | (tag & ((1u << kNewDeltaBits) - 1));
      }
      event.address = move_address(delta);
    } else if ((tag & kTagFree) != 0) {
      event.kind = Event::Kind::kFree;
      if ((tag & kTagFreeTimed) != 0) at = read_time(at, event);
      uint64_t delta = 0;
      if (at != nullptr) at = get_fixed(at, end_, kAddressLength[tag >> kFreeAddressCode & 3], delta);
      if (at == nullptr) return damaged();
      event.address = move_address(delta << kFreeDeltaBits | (tag & ((1u << kFreeDeltaBits) - 1)));
    } else if (tag >= static_cast<uint8_t>(Tag::kFirstSized)) {
      at = read_sized(at, event, tag);
    } else {
      at = read_other(at, event, static_cast<Tag>(tag));
    }
    if (at == nullptr) return damaged();
    event.time = time_;
    at_ = at;
    return Status::kEvent;
  }

  // Offset in the chunk of the next record (or of the damage).
  size_t offset() const noexcept { return static_cast<size_t>(at_ - begin_); }
  uint64_t time() const noexcept { return time_; }

 private:
  Status damaged() noexcept { return Status::kDamaged; }

  const uint8_t* read_time(const uint8_t* at, Event& event) noexcept {
    uint64_t delta = 0;
    at = get_varint(at, end_, delta);
    time_ += delta;
    event.timed = true;
    return at;
  }

  uint64_t move_address(uint64_t delta) noexcept {
    const uint64_t units = (address_ >> kAddressShift) + static_cast<uint64_t>(unzigzag(delta));
    const uint64_t address = units << kAddressShift;
    address_ = next_base_address(address_, address);
    return address;
  }

  static void set_site(Event& event, uint64_t site) noexcept {
    event.size = site & UINT32_MAX;
    event.node = static_cast<uint32_t>(site >> 32);
  }

  // A new site's size and node.
  const uint8_t* read_site(const uint8_t* at, Event& event) noexcept {
    uint64_t node = 0;
    if ((at = get_varint(at, end_, event.size)) == nullptr) return nullptr;
    if ((at = get_varint(at, end_, node)) == nullptr) return nullptr;
    event.node = static_cast<uint32_t>(node);
    if (site_fits(event.size)) sites_.enter(pack_site(event.node, event.size));
    return at;
  }

  // The address that lies a REALLOC's coded delta from `base`.
  static uint64_t moved_address(uint64_t base, uint64_t coded) noexcept {
    const auto delta = static_cast<uint64_t>(unzigzag(coded >> 1));
    return base + (delta << ((coded & 1) != 0 ? 0 : kAddressShift));
  }

  const uint8_t* read_node(const uint8_t* at, Event& event, unsigned flags) noexcept {
    uint64_t jump = 0, distance = 0, pc = 0;
    if ((flags & kNodeIdJumps) != 0 && (at = get_varint(at, end_, jump)) == nullptr) return nullptr;
    const uint64_t id = node_ + 1 + static_cast<uint64_t>(unzigzag(jump));
    if ((flags & kNodeParentGiven) == 0)
      distance = id - node_;
    else if ((at = get_varint(at, end_, distance)) == nullptr)
      return nullptr;
    if ((at = get_varint(at, end_, pc)) == nullptr) return nullptr;
    // A parent is always older than its child: this keeps the tree free of cycles whatever the input.
    if (id > UINT32_MAX || distance == 0 || distance > id) return nullptr;
    if ((flags & kNodePcKnown) != 0) {
      if (pc >= pcs_.kSlots) return nullptr;
      const uint64_t packed = pcs_.at(pc);
      event.pc = packed >> 1;
      event.exact_pc = (packed & 1) != 0;
    } else {
      event.pc = pc_ += static_cast<uint64_t>(unzigzag(pc >> 1));
      event.exact_pc = (pc & 1) != 0;
      pcs_.enter(pack_pc(event.pc, event.exact_pc));
    }
    node_ = id;
    event.kind = Event::Kind::kNode;
    event.node = static_cast<uint32_t>(id);
    event.parent = static_cast<uint32_t>(id - distance);
    return at;
  }

  const uint8_t* read_other(const uint8_t* at, Event& event, Tag tag) noexcept {
    uint64_t first = 0, second = 0, slot = 0;
    const unsigned node_flags = static_cast<unsigned>(tag) - static_cast<unsigned>(Tag::kNode);
    if (node_flags < 8) return read_node(at, event, node_flags);
    switch (tag) {
      case Tag::kAllocWideTimed:
        if ((at = read_time(at, event)) == nullptr) return nullptr;
        [[fallthrough]];
      case Tag::kAllocWide:
        if ((at = get_varint(at, end_, first)) == nullptr) return nullptr;
        if ((at = get_varint(at, end_, event.size)) == nullptr) return nullptr;
        if ((at = get_varint(at, end_, second)) == nullptr) return nullptr;
        event.kind = Event::Kind::kAlloc;
        event.address = address_ + static_cast<uint64_t>(unzigzag(first));
        event.node = static_cast<uint32_t>(second);
        address_ = next_base_address(address_, event.address);
        return at;
      case Tag::kFreeWideTimed:
        if ((at = read_time(at, event)) == nullptr) return nullptr;
        [[fallthrough]];
      case Tag::kFreeWide:
        if ((at = get_varint(at, end_, first)) == nullptr) return nullptr;
        event.kind = Event::Kind::kFree;
        event.address = address_ + static_cast<uint64_t>(unzigzag(first));
        address_ = next_base_address(address_, event.address);
        return at;
      case Tag::kReallocTimed:
        if ((at = read_time(at, event)) == nullptr) return nullptr;
        event.time_before = time_;
        if ((at = read_time(at, event)) == nullptr) return nullptr;
        break;
      case Tag::kRealloc:
        event.time_before = time_;
        break;
      default:
        return nullptr;
    }
    if ((at = get_varint(at, end_, first)) == nullptr) return nullptr;
    if ((at = get_varint(at, end_, second)) == nullptr) return nullptr;
    if ((at = get_varint(at, end_, slot)) == nullptr) return nullptr;
    if (slot == 0) {
      if ((at = read_site(at, event)) == nullptr) return nullptr;
    } else {
      if ((slot & 1) == 0 || slot >> 1 >= sites_.kSlots) return nullptr;
      set_site(event, sites_.at(slot >> 1));
    }
    event.kind = Event::Kind::kRealloc;
    event.old_address = moved_address(address_, first);
    event.address = moved_address(event.old_address, second);
    address_ = next_base_address(address_, event.address);
    return at;
  }

  const uint8_t* read_sized(const uint8_t* at, Event& event, uint8_t tag) noexcept {
    uint64_t length = 0;
    if ((at = get_varint(at, end_, length)) == nullptr || length > static_cast<uint64_t>(end_ - at)) return nullptr;
    const uint8_t* const payload_end = at + length;
    uint64_t delta = 0;
    if ((at = get_varint(at, payload_end, delta)) == nullptr) return nullptr;
    time_ += delta;
    event.timed = true;
    event.kind = Event::Kind::kSized;
    event.tag = static_cast<Tag>(tag);
    event.payload = {at, static_cast<size_t>(payload_end - at)};
    return payload_end;
  }

  const uint8_t* begin_ = nullptr;
  const uint8_t* at_ = nullptr;
  const uint8_t* end_ = nullptr;
  uint64_t time_ = 0;
  uint64_t address_ = 0;
  uint64_t pc_ = 0;
  uint64_t node_ = 0;
  RepeatTable<kSiteSlotsLog2> sites_;
  RepeatTable<kPcSlotsLog2> pcs_;
};

}  // namespace tidemark::trace
