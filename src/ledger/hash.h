#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fairlead::ledger {

/// BLAKE2b with 32 bytes of result (RFC 7693), from libsodium. Chosen over SHA-256 because its speed (about
/// 1 GB/s on one core) needs no special instructions, it cannot fail, and the platform has libsodium anyway.
using Hash = std::array<std::byte, 32>;

/// Hashes a sequence of fields. Each text is preceded by its length and each number takes eight bytes, so
/// that no two sequences of the same kinds run together.
class Hasher {
 public:
  Hasher();
  Hasher& add(std::string_view text);
  Hasher& add(std::int64_t number);
  Hasher& add(std::uint64_t number) { return add(static_cast<std::int64_t>(number)); }
  Hasher& add(const Hash& hash);
  Hasher& add(const std::optional<std::int64_t>& number);
  /// Once.
  Hash finish();

 private:
  void add_bytes(const void* bytes, std::size_t size);
  alignas(64) std::array<std::byte, 384> state_;  // crypto_generichash_state
};

/// A digest of a set of rows, in no order: the sum of their hashes, as numbers of 256 bits. Adding and
/// removing a row costs one addition. It finds accidents; whoever may write the database can also write
/// another sum.
class SetDigest {
 public:
  void add(const Hash& hash);
  void remove(const Hash& hash);
  const Hash& value() const { return sum_; }
  static SetDigest from(const Hash& sum) {
    SetDigest digest;
    digest.sum_ = sum;
    return digest;
  }

 private:
  Hash sum_{};
};

/// None when it has another length.
std::optional<Hash> hash_from_bytes(std::string_view bytes);
std::string to_hexadecimal(const Hash& hash);
std::optional<Hash> hash_from_hexadecimal(std::string_view digits);

}  // namespace fairlead::ledger
