// Encodes events into one chunk. Plain stores only: no lock, no system call, no allocation; it never looks at the
// chunk's end except through `room()`, which the caller asks once per event.
//
// After a kill the reader must see whole records only: every method stores the fields first and the tag last (a
// compiler barrier keeps the order; x86 and MAP_SHARED keep it from there).
// Cost: about 3 ns per event. Not thread-safe: a chunk has one writer.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "trace/format.h"
#include "trace/records.h"
#include "trace/repeat_table.h"
#include "trace/varint.h"

namespace tidemark::trace {

class ChunkWriter {
 public:
  // Starts a chunk in `memory` (`bytes` long, all zeros, at least kChunkAlignment). The magic is stored last.
  void begin(uint8_t* memory, uint32_t bytes, uint32_t stream, uint32_t sequence, uint32_t thread, uint64_t time,
             uint64_t base_node) noexcept {
    detach();
    std::atomic_signal_fence(std::memory_order_seq_cst);
    ChunkHeader header{};
    header.bytes = bytes;
    header.stream = stream;
    header.sequence = sequence;
    header.thread = thread;
    header.base_time = time;
    header.base_node = base_node;
    header.base_address = last_address_;
    header.base_pc = last_pc_;
    std::memcpy(memory + sizeof(header.magic), reinterpret_cast<const uint8_t*>(&header) + sizeof(header.magic),
                sizeof(header) - sizeof(header.magic));
    std::atomic_signal_fence(std::memory_order_seq_cst);
    std::memcpy(memory, &kChunkMagic, sizeof(kChunkMagic));
    last_time_ = time;
    last_node_ = base_node;
    // The first chunk finds the tables empty, and most of their pages untouched.
    if (used_) {
      sites_.clear();
      pcs_.clear();
    }
    used_ = true;
    // The last 16 bytes stay unused: 8-byte stores may run over a record's end.
    limit_ = memory + bytes - 16;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    cursor_ = memory + sizeof(ChunkHeader);
  }

  // Lets go of the chunk; the next event needs begin() again.
  void detach() noexcept { cursor_ = limit_ = nullptr; }

  // Lets go of it while a record may be half written: what lies behind the last whole one is wiped, so that it reads as
  // the end. (The deltas may be off as well; the next chunk's header states them anew.)
  void abandon() noexcept {
    if (cursor_ == nullptr) return;
    const size_t left = static_cast<size_t>(limit_ - cursor_) + 16;
    std::memset(cursor_, 0, left < kMaxRecordBytes ? left : kMaxRecordBytes);
    detach();
  }

  // True when `bytes` more fit. False without a chunk.
  [[nodiscard]] bool room(size_t bytes) const noexcept { return static_cast<size_t>(limit_ - cursor_) >= bytes; }

  uint64_t last_time() const noexcept { return last_time_; }
  const uint8_t* cursor() const noexcept { return cursor_; }

  // `time` 0: untimed. Needs room(kMaxEventBytes), as do all events and nodes.
  [[gnu::always_inline]] void alloc(uint64_t time, uint64_t address, uint64_t size, uint32_t node) noexcept {
    if (needs_wide(address)) [[unlikely]]
      return alloc_wide(time, address, size, node);
    uint8_t* at = cursor_ + 1;
    unsigned tag = kTagAlloc;
    if (time != 0) {
      tag |= kTagAllocTimed;
      at = put_time(at, time);
    }
    const uint64_t delta = address_delta(address);
    const uint64_t site = pack_site(node, size);
    const unsigned slot = Sites::slot_of(site);
    if (site_fits(size) && sites_.known_or_enter(slot, site)) [[likely]] {
      const AddressField field(delta, kKnownDeltaBits);
      store_u64(at, field.value | uint64_t{slot & 0xff} << (8 * field.length));
      return commit(at + field.length + 1, static_cast<uint8_t>(tag | kTagAllocKnown | slot >> 8 << kAllocSlotHigh |
                                                                field.code << kAllocAddressCode | field.tag_bits));
    }
    alloc_new_site(at, tag, delta, size, node);
  }

  [[gnu::always_inline]] void free(uint64_t time, uint64_t address) noexcept {
    if (needs_wide(address)) [[unlikely]]
      return free_wide(time, address);
    uint8_t* at = cursor_ + 1;
    unsigned tag = kTagFree;
    if (time != 0) {
      tag |= kTagFreeTimed;
      at = put_time(at, time);
    }
    const AddressField field(address_delta(address), kFreeDeltaBits);
    store_u64(at, field.value);
    commit(at + field.length, static_cast<uint8_t>(tag | field.code << kFreeAddressCode | field.tag_bits));
  }

  // `before` and `after` are the times around the real call, both 0 if untimed.
  void realloc(uint64_t before, uint64_t after, uint64_t old_address, uint64_t new_address, uint64_t size,
               uint32_t node) noexcept {
    uint8_t* at = cursor_ + 1;
    if (before != 0) {
      at = put_time(at, before);
      at = put_time(at, after);
    }
    at = put_address(at, last_address_, old_address);
    at = put_address(at, old_address, new_address);
    const uint64_t site = pack_site(node, size);
    const unsigned slot = Sites::slot_of(site);
    if (site_fits(size) && sites_.known_or_enter(slot, site)) {
      at = put_varint(at, slot << 1 | 1);
    } else {
      at = put_varint(at, 0);
      at = put_varint(at, size);
      at = put_varint(at, node);
    }
    last_address_ = next_base_address(last_address_, new_address);
    commit(at, static_cast<uint8_t>(before != 0 ? Tag::kReallocTimed : Tag::kRealloc));
  }

  void node(uint32_t id, uint32_t parent, uint64_t pc, bool exact) noexcept {
    uint8_t* at = cursor_ + 1;
    unsigned flags = 0;
    if (id != last_node_ + 1) {
      flags |= kNodeIdJumps;
      at = put_varint(at, zigzag(static_cast<int64_t>(id - last_node_ - 1)));
    }
    if (parent != last_node_) {
      flags |= kNodeParentGiven;
      at = put_varint(at, id - parent);
    }
    const uint64_t packed = pack_pc(pc, exact);
    const unsigned slot = Pcs::slot_of(packed);
    if (pcs_.known_or_enter(slot, packed)) {
      flags |= kNodePcKnown;
      at = put_varint(at, slot);
    } else {
      at = put_varint(at, zigzag(static_cast<int64_t>(pc - last_pc_)) << 1 | (exact ? 1u : 0u));
      last_pc_ = pc;
    }
    last_node_ = id;
    commit(at, static_cast<uint8_t>(static_cast<unsigned>(Tag::kNode) + flags));
  }

  // Bytes of room that `sized` needs for a record whose texts have `text_bytes` in all.
  static constexpr size_t sized_room(size_t text_bytes) noexcept { return 192 + text_bytes; }

  template <class Record>
  void sized(uint64_t time, Record record) noexcept {
    // The length goes in front of a payload of unknown length: 4 bytes are kept for it (29 bits, never more needed).
    uint8_t* const length_at = cursor_ + 1;
    PayloadWriter payload(length_at + 4);
    payload(time_delta(time));
    record.visit(payload);
    const auto length = static_cast<uint32_t>(payload.cursor() - (length_at + 4));
    const uint32_t word = length << 3 | 3;
    std::memcpy(length_at, &word, 4);
    commit(payload.cursor(), static_cast<uint8_t>(Record::kTag));
  }

 private:
  static constexpr size_t kMaxRecordBytes = kMaxPayloadBytes + 256;

  [[gnu::noinline]] void alloc_new_site(uint8_t* at, unsigned tag, uint64_t delta, uint64_t size,
                                        uint32_t node) noexcept {
    const AddressField field(delta, kNewDeltaBits);
    store_u64(at, field.value);
    at = put_varint(at + field.length, size);
    at = put_varint(at, node);
    commit(at, static_cast<uint8_t>(tag | field.code << kAllocAddressCode | field.tag_bits));
  }

  [[gnu::noinline]] void alloc_wide(uint64_t time, uint64_t address, uint64_t size, uint32_t node) noexcept {
    uint8_t* at = cursor_ + 1;
    if (time != 0) at = put_time(at, time);
    at = put_varint(at, zigzag(static_cast<int64_t>(address - last_address_)));
    at = put_varint(at, size);
    at = put_varint(at, node);
    last_address_ = next_base_address(last_address_, address);
    commit(at, static_cast<uint8_t>(time != 0 ? Tag::kAllocWideTimed : Tag::kAllocWide));
  }

  [[gnu::noinline]] void free_wide(uint64_t time, uint64_t address) noexcept {
    uint8_t* at = cursor_ + 1;
    if (time != 0) at = put_time(at, time);
    at = put_varint(at, zigzag(static_cast<int64_t>(address - last_address_)));
    last_address_ = next_base_address(last_address_, address);
    commit(at, static_cast<uint8_t>(time != 0 ? Tag::kFreeWideTimed : Tag::kFreeWide));
  }

  // Deltas never go back: a clock that steps back (another socket's counter) is held.
  uint64_t time_delta(uint64_t time) noexcept {
    const uint64_t delta = time > last_time_ ? time - last_time_ : 0;
    last_time_ += delta;
    return delta;
  }
  uint8_t* put_time(uint8_t* at, uint64_t time) noexcept { return put_varint(at, time_delta(time)); }

  uint64_t address_delta(uint64_t address) noexcept {
    // The last address may be unaligned (wide records); both sides round it down.
    const auto delta = static_cast<int64_t>((address >> kAddressShift) - (last_address_ >> kAddressShift));
    last_address_ = address;
    return zigzag(delta);
  }

  static bool needs_wide(uint64_t address) noexcept {
    return (address & ~(kAddressLimit - (uint64_t{1} << kAddressShift))) != 0;
  }

  // How an address delta is written: `tag_bits` in the tag, the others in `length` bytes. Without a branch, since
  // lengths follow no pattern.
  struct AddressField {
    uint64_t value;
    unsigned tag_bits, code, length;
    AddressField(uint64_t delta, unsigned bits_in_tag) noexcept
        : value(delta >> bits_in_tag), tag_bits(static_cast<unsigned>(delta & ((1u << bits_in_tag) - 1))) {
      const auto bytes = static_cast<unsigned>(71 - std::countl_zero(value | 1)) / 8;
      code = bytes < 4 ? bytes - 1 : 3;
      length = bytes < 4 ? bytes : kAddressLength[3];
    }
  };

  static uint8_t* put_address(uint8_t* at, uint64_t base, uint64_t address) noexcept {
    const uint64_t unaligned = ((base | address) & ((1u << kAddressShift) - 1)) != 0 ? 1 : 0;
    const auto delta = static_cast<int64_t>(address - base) >> (unaligned != 0 ? 0 : kAddressShift);
    return put_varint(at, zigzag(delta) << 1 | unaligned);
  }

  void commit(uint8_t* end, uint8_t tag) noexcept {
    // An 8-byte store may have left bytes of a field beyond the record's end; the next tag must read zero until it is
    // stored. Field values are exact in their length codes, so these bytes are zeros already.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    *cursor_ = tag;
    cursor_ = end;
  }

  using Sites = RepeatTable<kSiteSlotsLog2>;
  using Pcs = RepeatTable<kPcSlotsLog2>;

  uint8_t* cursor_ = nullptr;
  uint8_t* limit_ = nullptr;
  uint64_t last_time_ = 0;
  uint64_t last_address_ = 0;
  uint64_t last_pc_ = 0;
  uint64_t last_node_ = 0;
  bool used_ = false;
  Sites sites_;
  Pcs pcs_;
};

}  // namespace tidemark::trace
