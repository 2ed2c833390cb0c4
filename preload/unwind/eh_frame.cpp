#include "preload/unwind/eh_frame.h"

#include <cstring>

namespace tidemark::unwind {
namespace {

constexpr unsigned kRbp = 6, kRsp = 7, kReturnAddress = 16;

template <class T>
T load(const uint8_t* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

// A cursor over DWARF data. Modules are trusted to be well-formed (their own exceptions depend on it), so only ends
// that are known are checked.
struct Cursor {
  const uint8_t* at;

  template <class T>
  T take() noexcept {
    T value = load<T>(at);
    at += sizeof(T);
    return value;
  }
  uint64_t uleb() noexcept {
    uint64_t value = 0;
    unsigned shift = 0;
    uint8_t byte;
    do {
      byte = *at++;
      if (shift < 64) value |= uint64_t{byte & 0x7fu} << shift;
      shift += 7;
    } while ((byte & 0x80) != 0);
    return value;
  }
  int64_t sleb() noexcept {
    uint64_t value = 0;
    unsigned shift = 0;
    uint8_t byte;
    do {
      byte = *at++;
      if (shift < 64) value |= uint64_t{byte & 0x7fu} << shift;
      shift += 7;
    } while ((byte & 0x80) != 0);
    if (shift < 64 && (byte & 0x40) != 0) value |= ~uint64_t{0} << shift;
    return static_cast<int64_t>(value);
  }
  // DW_EH_PE encodings; `data_base` is what datarel is relative to. 0x50 (aligned) does not occur on x86-64.
  uintptr_t encoded(uint8_t encoding, uintptr_t data_base) noexcept {
    if (encoding == 0xff) return 0;
    const auto here = reinterpret_cast<uintptr_t>(at);
    uintptr_t value = 0;
    switch (encoding & 0x0f) {
      case 0x00:
        value = take<uint64_t>();
        break;
      case 0x01:
        value = uleb();
        break;
      case 0x02:
        value = take<uint16_t>();
        break;
      case 0x03:
        value = take<uint32_t>();
        break;
      case 0x04:
        value = take<uint64_t>();
        break;
      case 0x09:
        value = static_cast<uintptr_t>(sleb());
        break;
      case 0x0a:
        value = static_cast<uintptr_t>(static_cast<intptr_t>(take<int16_t>()));
        break;
      case 0x0b:
        value = static_cast<uintptr_t>(static_cast<intptr_t>(take<int32_t>()));
        break;
      case 0x0c:
        value = static_cast<uintptr_t>(take<int64_t>());
        break;
      default:
        return 0;
    }
    if (value != 0) {
      if ((encoding & 0x70) == 0x10) value += here;
      if ((encoding & 0x70) == 0x30) value += data_base;
      if ((encoding & 0x80) != 0) value = load<uintptr_t>(reinterpret_cast<const uint8_t*>(value));
    }
    return value;
  }
};

struct Cie {
  uint64_t code_align = 1;
  int64_t data_align = 1;
  unsigned return_register = kReturnAddress;
  uint8_t pointer_encoding = 0;
  bool signal_frame = false;
  bool has_augmentation = false;
  const uint8_t* program = nullptr;
  const uint8_t* program_end = nullptr;
};

bool parse_cie(const uint8_t* at, Cie& cie) noexcept {
  Cursor cursor{at};
  uint64_t length = cursor.take<uint32_t>();
  if (length == 0xffffffff) length = cursor.take<uint64_t>();
  cie.program_end = cursor.at + length;
  if (cursor.take<uint32_t>() != 0) return false;
  const uint8_t version = cursor.take<uint8_t>();
  if (version != 1 && version != 3) return false;
  const char* augmentation = reinterpret_cast<const char*>(cursor.at);
  cursor.at += std::strlen(augmentation) + 1;
  cie.code_align = cursor.uleb();
  cie.data_align = cursor.sleb();
  cie.return_register = version == 1 ? cursor.take<uint8_t>() : static_cast<unsigned>(cursor.uleb());
  const uint8_t* program = nullptr;
  for (const char* letter = augmentation; *letter != 0; ++letter) {
    switch (*letter) {
      case 'z': {
        const uint64_t size = cursor.uleb();
        program = cursor.at + size;
        cie.has_augmentation = true;
        break;
      }
      case 'R':
        cie.pointer_encoding = cursor.take<uint8_t>();
        break;
      case 'L':
        cursor.take<uint8_t>();
        break;
      case 'P': {
        const uint8_t encoding = cursor.take<uint8_t>();
        cursor.encoded(encoding & 0x7f, 0);
        break;
      }
      case 'S':
        cie.signal_frame = true;
        break;
      case 'B':
        break;
      default:  // an unknown letter: 'z' told where the program begins
        cie.program = program;
        return program != nullptr;
    }
  }
  cie.program = program != nullptr ? program : cursor.at;
  return true;
}

// The state of a call-frame program, as far as a row can express it.
struct State {
  enum class Cfa : uint8_t { kRegister, kBpDeref, kOther } cfa = Cfa::kOther;
  unsigned cfa_register = 0;
  int64_t cfa_offset = 0;
  enum class Rule : uint8_t { kSame, kOffset, kUndefined, kAtBp, kOther };  // kAtBp: at the address in rbp
  Rule bp = Rule::kSame, ra = Rule::kSame;
  int64_t bp_offset = 0, ra_offset = 0;
};

class Program {
 public:
  Program(const Cie& cie, uintptr_t start, uintptr_t pc) noexcept : cie_(cie), location_(start), pc_(pc) {}

  State state;

  // Runs instructions until the pc is passed or they end. False: something that a row cannot follow.
  bool run(const uint8_t* at, const uint8_t* end, bool is_cie) noexcept {
    Cursor cursor{at};
    while (cursor.at < end) {
      const uint8_t op = *cursor.at++;
      const unsigned low = op & 0x3f;
      switch (op & 0xc0) {
        case 0x40:
          if (!advance(low)) return true;
          continue;
        case 0x80:
          set_offset(low, static_cast<int64_t>(cursor.uleb()) * cie_.data_align);
          continue;
        case 0xc0:
          restore(low);
          continue;
      }
      switch (op) {
        case 0x00:
          break;
        case 0x01: {  // set_loc
          const uintptr_t to = cursor.encoded(cie_.pointer_encoding, 0);
          if (to > pc_) return true;
          location_ = to;
          break;
        }
        case 0x02:
          if (!advance(cursor.take<uint8_t>())) return true;
          break;
        case 0x03:
          if (!advance(cursor.take<uint16_t>())) return true;
          break;
        case 0x04:
          if (!advance(cursor.take<uint32_t>())) return true;
          break;
        case 0x05: {
          const auto reg = static_cast<unsigned>(cursor.uleb());
          set_offset(reg, static_cast<int64_t>(cursor.uleb()) * cie_.data_align);
          break;
        }
        case 0x06:
          restore(static_cast<unsigned>(cursor.uleb()));
          break;
        case 0x07:
          set_rule(static_cast<unsigned>(cursor.uleb()), State::Rule::kUndefined);
          break;
        case 0x08:
          set_rule(static_cast<unsigned>(cursor.uleb()), State::Rule::kSame);
          break;
        case 0x09: {
          const auto reg = static_cast<unsigned>(cursor.uleb());
          cursor.uleb();
          set_rule(reg, State::Rule::kOther);
          break;
        }
        case 0x0a:
          if (depth_ == kMaxRemembered) return false;
          remembered_[depth_++] = state;
          break;
        case 0x0b:
          if (depth_ == 0) return false;
          state = remembered_[--depth_];
          break;
        case 0x0c: {
          state.cfa = State::Cfa::kRegister;
          state.cfa_register = static_cast<unsigned>(cursor.uleb());
          state.cfa_offset = static_cast<int64_t>(cursor.uleb());
          break;
        }
        case 0x0d:
          state.cfa_register = static_cast<unsigned>(cursor.uleb());
          break;
        case 0x0e:
          state.cfa_offset = static_cast<int64_t>(cursor.uleb());
          break;
        case 0x0f: {  // def_cfa_expression
          const uint64_t length = cursor.uleb();
          cfa_expression(cursor.at, length);
          cursor.at += length;
          break;
        }
        case 0x10:    // expression
        case 0x16: {  // val_expression
          const auto reg = static_cast<unsigned>(cursor.uleb());
          const uint64_t length = cursor.uleb();
          // DW_OP_breg6 0: what a prologue that realigns the stack writes for rbp.
          const bool at_bp = op == 0x10 && length == 2 && cursor.at[0] == 0x70 + kRbp && cursor.at[1] == 0;
          set_rule(reg, at_bp ? State::Rule::kAtBp : State::Rule::kOther);
          cursor.at += length;
          break;
        }
        case 0x11: {
          const auto reg = static_cast<unsigned>(cursor.uleb());
          set_offset(reg, cursor.sleb() * cie_.data_align);
          break;
        }
        case 0x12: {
          state.cfa = State::Cfa::kRegister;
          state.cfa_register = static_cast<unsigned>(cursor.uleb());
          state.cfa_offset = cursor.sleb() * cie_.data_align;
          break;
        }
        case 0x13:
          state.cfa_offset = cursor.sleb() * cie_.data_align;
          break;
        case 0x14:
        case 0x15: {
          const auto reg = static_cast<unsigned>(cursor.uleb());
          if (op == 0x14)
            cursor.uleb();
          else
            cursor.sleb();
          set_rule(reg, State::Rule::kOther);
          break;
        }
        case 0x2e:
          cursor.uleb();
          break;      // GNU_args_size
        case 0x2f: {  // GNU_negative_offset_extended
          const auto reg = static_cast<unsigned>(cursor.uleb());
          set_offset(reg, -static_cast<int64_t>(cursor.uleb()) * cie_.data_align);
          break;
        }
        default:
          return false;
      }
    }
    if (is_cie) initial_ = state;
    return true;
  }

 private:
  static constexpr int kMaxRemembered = 8;

  bool advance(uint64_t delta) noexcept {
    const uintptr_t to = location_ + delta * cie_.code_align;
    if (to > pc_) return false;
    location_ = to;
    return true;
  }
  void set_offset(unsigned reg, int64_t offset) noexcept {
    if (reg == kRbp) state.bp = State::Rule::kOffset, state.bp_offset = offset;
    if (reg == kReturnAddress) state.ra = State::Rule::kOffset, state.ra_offset = offset;
  }
  void set_rule(unsigned reg, State::Rule rule) noexcept {
    if (reg == kRbp) state.bp = rule;
    if (reg == kReturnAddress) state.ra = rule;
  }
  void restore(unsigned reg) noexcept {
    if (reg == kRbp) state.bp = initial_.bp, state.bp_offset = initial_.bp_offset;
    if (reg == kReturnAddress) state.ra = initial_.ra, state.ra_offset = initial_.ra_offset;
  }
  void cfa_expression(const uint8_t* at, uint64_t length) noexcept {
    state.cfa = State::Cfa::kOther;
    // DW_OP_breg6 (rbp) n; DW_OP_deref: a function that realigned its stack.
    if (length >= 3 && at[0] == 0x70 + kRbp && at[length - 1] == 0x06) {
      Cursor operand{at + 1};
      const int64_t offset = operand.sleb();
      if (operand.at + 1 == at + length) {
        state.cfa = State::Cfa::kBpDeref;
        state.cfa_offset = offset;
      }
    }
  }

  const Cie& cie_;
  uintptr_t location_;
  uintptr_t pc_;
  State initial_;
  State remembered_[kMaxRemembered];
  int depth_ = 0;
};

// `mov $15, %rax; syscall`: the signal trampoline, whose stack pointer points at the ucontext.
bool is_sigreturn(uintptr_t pc) noexcept {
  static constexpr uint8_t kCode[] = {0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05};
  return std::memcmp(reinterpret_cast<const void*>(pc), kCode, sizeof(kCode)) == 0;
}

// The FDE that may cover pc, by .eh_frame_hdr's table of (start, FDE) pairs, sorted by start.
const uint8_t* find_fde(const uint8_t* header, uintptr_t pc) noexcept {
  if (header[0] != 1) return nullptr;
  const uint8_t pointer_encoding = header[1], count_encoding = header[2], table_encoding = header[3];
  const auto base = reinterpret_cast<uintptr_t>(header);
  Cursor cursor{header + 4};
  cursor.encoded(pointer_encoding, base);
  const uintptr_t count = cursor.encoded(count_encoding, base);
  if (table_encoding != 0x3b || count == 0) return nullptr;  // datarel sdata4: what every linker writes
  const uint8_t* table = cursor.at;
  const auto target = static_cast<int64_t>(pc - base);
  uintptr_t low = 0, high = count;
  while (low < high) {
    const uintptr_t middle = low + (high - low) / 2;
    if (load<int32_t>(table + middle * 8) <= target)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == 0) return nullptr;
  return header + load<int32_t>(table + (low - 1) * 8 + 4);
}

}  // namespace

Row decode_row(const uint8_t* header, uintptr_t pc) noexcept {
  const uint8_t* fde = find_fde(header, pc);
  if (fde == nullptr) return {};
  Cursor cursor{fde};
  uint64_t length = cursor.take<uint32_t>();
  if (length == 0xffffffff) length = cursor.take<uint64_t>();
  if (length == 0) return {};
  const uint8_t* const end = cursor.at + length;
  const uint8_t* const cie_pointer_at = cursor.at;
  const uint32_t cie_pointer = cursor.take<uint32_t>();
  if (cie_pointer == 0) return {};
  Cie cie;
  const Row other{RowKind::kOther, 0, 0, 0};
  if (!parse_cie(cie_pointer_at - cie_pointer, cie)) return other;
  const uintptr_t start = cursor.encoded(cie.pointer_encoding, 0);
  const uintptr_t range = cursor.encoded(cie.pointer_encoding & 0x0f, 0);
  if (pc < start || pc - start >= range) return {};
  if (cie.has_augmentation) {
    const uint64_t size = cursor.uleb();
    cursor.at += size;
  }
  // The trampoline is entered by the handler's return, to its first byte, and is looked up one byte before.
  if (cie.signal_frame && (is_sigreturn(pc) || is_sigreturn(pc + 1))) return {RowKind::kSignal, 0, 0, 0};
  if (cie.return_register != kReturnAddress) return other;

  Program program(cie, start, pc);
  if (!program.run(cie.program, cie.program_end, true)) return other;
  if (!program.run(cursor.at, end, false)) return other;
  const State& state = program.state;
  if (state.ra == State::Rule::kUndefined) return {RowKind::kEnd, 0, 0, 0};
  if (state.ra != State::Rule::kOffset || state.ra_offset != -8) return other;
  if (state.cfa_offset != static_cast<int32_t>(state.cfa_offset)) return other;

  Row row;
  row.cfa_offset = static_cast<int32_t>(state.cfa_offset);
  if (state.cfa == State::Cfa::kRegister && state.cfa_register == kRsp)
    row.kind = RowKind::kSp;
  else if (state.cfa == State::Cfa::kRegister && state.cfa_register == kRbp)
    row.kind = RowKind::kBp;
  else if (state.cfa == State::Cfa::kBpDeref)
    row.kind = RowKind::kBpDeref;
  else
    return other;
  switch (state.bp) {
    case State::Rule::kSame:
      break;
    case State::Rule::kUndefined:
      break;  // no outer frame can depend on it
    case State::Rule::kOffset:
      if (state.bp_offset != static_cast<int16_t>(state.bp_offset)) return other;
      row.saves_bp = 1;
      row.bp_offset = static_cast<int16_t>(state.bp_offset);
      break;
    case State::Rule::kAtBp:
      row.saves_bp = 2;
      break;
    case State::Rule::kOther:
      return other;
  }
  return row;
}

}  // namespace tidemark::unwind
