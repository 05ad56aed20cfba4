#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fairlead::server {

/// Prepares the library; to be called before the others. False: it cannot be used on this machine.
bool prepare_secrets();

/// A password as it may be kept: argon2id with a salt of its own (64 MiB, two passes; about 0.1 s on one
/// core). Empty when there is no memory for it.
std::string hash_password(std::string_view password);
/// Takes as long for a wrong password as for the right one.
bool password_matches(const std::string& hash, std::string_view password);

/// A secret of 256 random bits in letters and digits of URLs.
std::string random_secret();
/// A random name of 64 bits in hexadecimal digits.
std::string random_id();
/// What is kept of a random secret (BLAKE2b, 256 bits, hexadecimal): enough bits are random that no salt is
/// needed.
std::string hash_secret(std::string_view secret);
/// Compares in a time that depends on the lengths only.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace fairlead::server
