#include "ledger/hash.h"

#include "model/json/codec.h"

#include <sodium.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

namespace fairlead::ledger {
namespace {

static_assert(sizeof(crypto_generichash_state) <= 384 && alignof(crypto_generichash_state) <= 64);
static_assert(std::endian::native == std::endian::little, "numbers are hashed in this order");

crypto_generichash_state* state_of(std::array<std::byte, 384>& bytes) {
  return std::launder(reinterpret_cast<crypto_generichash_state*>(bytes.data()));
}

}  // namespace

Hasher::Hasher() : state_() {
  // Chooses the machine's quickest implementation; may be called again, by any thread. Without it the plain
  // one serves.
  [[maybe_unused]] const int initialised = sodium_init();
  new (state_.data()) crypto_generichash_state;
  crypto_generichash_init(state_of(state_), nullptr, 0, std::tuple_size_v<Hash>);
}

void Hasher::add_bytes(const void* bytes, std::size_t size) {
  crypto_generichash_update(state_of(state_), static_cast<const unsigned char*>(bytes), size);
}

Hasher& Hasher::add(std::string_view text) {
  add(static_cast<std::int64_t>(text.size()));
  add_bytes(text.data(), text.size());
  return *this;
}
Hasher& Hasher::add(std::int64_t number) {
  add_bytes(&number, sizeof(number));
  return *this;
}
Hasher& Hasher::add(const Hash& hash) {
  add_bytes(hash.data(), hash.size());
  return *this;
}
Hasher& Hasher::add(const std::optional<std::int64_t>& number) {
  add(std::int64_t{number ? 1 : 0});
  return number ? add(*number) : *this;
}
Hash Hasher::finish() {
  Hash hash;
  crypto_generichash_final(state_of(state_), reinterpret_cast<unsigned char*>(hash.data()), hash.size());
  return hash;
}

void SetDigest::add(const Hash& hash) {
  unsigned carry = 0;
  for (std::size_t i = 0; i < sum_.size(); ++i) {
    carry += static_cast<unsigned>(sum_[i]) + static_cast<unsigned>(hash[i]);
    sum_[i] = static_cast<std::byte>(carry & 0xffU);
    carry >>= 8U;
  }
}

void SetDigest::remove(const Hash& hash) {
  unsigned borrow = 0;
  for (std::size_t i = 0; i < sum_.size(); ++i) {
    const unsigned take = static_cast<unsigned>(hash[i]) + borrow;
    const unsigned have = static_cast<unsigned>(sum_[i]);
    sum_[i] = static_cast<std::byte>((have - take) & 0xffU);
    borrow = have < take ? 1 : 0;
  }
}

std::optional<Hash> hash_from_bytes(std::string_view bytes) {
  Hash hash;
  if (bytes.size() != hash.size()) return std::nullopt;
  std::memcpy(hash.data(), bytes.data(), bytes.size());
  return hash;
}

std::string to_hexadecimal(const Hash& hash) {
  return model::json::to_hexadecimal(
      std::string_view(reinterpret_cast<const char*>(hash.data()), hash.size()));
}

std::optional<Hash> hash_from_hexadecimal(std::string_view digits) {
  const auto bytes = model::json::from_hexadecimal(digits);
  return bytes ? hash_from_bytes(*bytes) : std::nullopt;
}

}  // namespace fairlead::ledger
