#pragma once

#include "base/result.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead::host {

/// Encrypts secrets for the ledger with a key that lies beside it in a file of its own (mode 0600), so that
/// the ledger alone tells nothing. XSalsa20-Poly1305 (libsodium's secretbox) with a random nonce each.
class SecretBox {
 public:
  /// Reads the key, or makes it. Errors: kPermissionDenied (others may read the file), kUnavailable.
  static base::Result<SecretBox> open(const std::string& key_file);
  ~SecretBox();
  SecretBox(SecretBox&&) = default;

  /// In hexadecimal, nonce first.
  std::string encrypt(std::string_view secret) const;
  /// Errors: kInternal for what this key did not encrypt.
  base::Result<std::string> decrypt(std::string_view text) const;

 private:
  SecretBox() = default;
  std::array<unsigned char, 32> key_{};
};

}  // namespace fairlead::host
