#include "host/secrets.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace fairlead::host {
namespace {

static_assert(crypto_secretbox_KEYBYTES == 32);

base::Error trouble(const std::string& file) {
  const base::Code code = errno == EACCES ? base::Code::kPermissionDenied : base::Code::kUnavailable;
  return base::Error(code,
                     fmt::format("the key of secrets {} cannot be used: {}", file, std::strerror(errno)));
}

}  // namespace

base::Result<SecretBox> SecretBox::open(const std::string& key_file) {
  if (sodium_init() < 0) return base::Error(base::Code::kInternal, "libsodium does not start");
  SecretBox box;
  int file = ::open(key_file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file >= 0) {
    struct stat status = {};
    const bool read = fstat(file, &status) == 0 &&
                      ::read(file, box.key_.data(), box.key_.size()) == static_cast<ssize_t>(box.key_.size());
    close(file);
    if ((status.st_mode & 077) != 0)
      return base::Error(base::Code::kPermissionDenied,
                         fmt::format("the key of secrets {0} is open to others; chmod 600 {0}", key_file));
    if (!read)
      return base::Error(base::Code::kUnavailable, fmt::format("the key of secrets {} is damaged", key_file));
    return box;
  }
  if (errno != ENOENT) return trouble(key_file);
  randombytes_buf(box.key_.data(), box.key_.size());
  file = ::open(key_file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return trouble(key_file);
  const bool written =
      write(file, box.key_.data(), box.key_.size()) == static_cast<ssize_t>(box.key_.size()) &&
      fsync(file) == 0;
  close(file);
  if (!written) return trouble(key_file);
  return box;
}

SecretBox::~SecretBox() { sodium_memzero(key_.data(), key_.size()); }

std::string SecretBox::encrypt(std::string_view secret) const {
  std::vector<unsigned char> bytes(crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + secret.size());
  randombytes_buf(bytes.data(), crypto_secretbox_NONCEBYTES);
  crypto_secretbox_easy(bytes.data() + crypto_secretbox_NONCEBYTES,
                        reinterpret_cast<const unsigned char*>(secret.data()), secret.size(), bytes.data(),
                        key_.data());
  std::string text(bytes.size() * 2 + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  text.pop_back();
  return text;
}

base::Result<std::string> SecretBox::decrypt(std::string_view text) const {
  const base::Error failure(base::Code::kInternal,
                            "a secret was not encrypted with the key of this platform");
  std::vector<unsigned char> bytes(text.size() / 2);
  std::size_t size = 0;
  constexpr std::size_t kOverhead = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
  if (sodium_hex2bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &size, nullptr) != 0 ||
      size < kOverhead)
    return failure;
  std::string secret(size - kOverhead, '\0');
  if (crypto_secretbox_open_easy(reinterpret_cast<unsigned char*>(secret.data()),
                                 bytes.data() + crypto_secretbox_NONCEBYTES,
                                 size - crypto_secretbox_NONCEBYTES, bytes.data(), key_.data()) != 0)
    return failure;
  return secret;
}

}  // namespace fairlead::host
