// An exchange's state as bytes: what its digest is of, and what a snapshot holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace engine {

// What has one representation: numbers, little endian and as wide as their type, and structs of
// them without padding.
template <typename Value>
concept StateValue =
    std::is_trivially_copyable_v<Value> && std::has_unique_object_representations_v<Value>;

// Gathers and hands on in pieces.
class StateWriter {
 public:
  using Take = std::function<void(std::span<const std::byte>)>;

  explicit StateWriter(Take take);
  ~StateWriter();  // Requires: Finish() was called after the last Add().
  StateWriter(const StateWriter&) = delete;
  StateWriter& operator=(const StateWriter&) = delete;

  template <StateValue Value>
  void Add(const Value& value) {
    AddBytes(std::as_bytes(std::span(&value, 1)));
  }
  void AddCount(std::size_t count) { Add(static_cast<std::uint64_t>(count)); }
  void AddBytes(std::span<const std::byte> bytes);
  void Finish();

 private:
  Take take_;
  std::vector<std::byte> piece_;
};

// Trusts nothing: whoever loads says what has to be true. The first thing that is not true is kept,
// and from then on all that is read is zero.
class StateReader {
 public:
  // The next bytes, none at the end; they stay until the next call.
  using Give = std::function<std::span<const std::byte>()>;

  explicit StateReader(Give give) : give_(std::move(give)) {}
  StateReader(const StateReader&) = delete;
  StateReader& operator=(const StateReader&) = delete;

  template <StateValue Value>
  Value Read() {
    Value value{};
    if constexpr (std::is_same_v<Value, bool>) {
      const auto byte = Read<std::uint8_t>();
      Require(byte <= 1, "a flag that is neither 0 nor 1");
      value = byte == 1;
    } else {
      ReadBytes(std::as_writable_bytes(std::span(&value, 1)));
    }
    return value;
  }
  // So many follow; zero where there are more than `most`.
  std::uint64_t ReadCount(std::uint64_t most);
  void ReadBytes(std::span<std::byte> into);

  // Ensures: returns ok(). `what`: a literal that says what it is that must not be.
  bool Require(bool is_true, const char* what);
  bool ok() const { return wrong_.empty(); }
  // Where and what; empty while it is well.
  const std::string& error() const { return wrong_; }
  // Whether all was read and nothing follows.
  bool AtEnd();

 private:
  bool Fetch();

  Give give_;
  std::span<const std::byte> piece_;
  std::uint64_t read_ = 0;  // Bytes.
  std::string wrong_;
};

}  // namespace engine
