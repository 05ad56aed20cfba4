#include "net/tls.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <unistd.h>

namespace fairlead::net {
namespace {

base::Error file_error(const std::string& file, std::string_view what,
                       const boost::system::error_code& error) {
  ERR_clear_error();
  if (::access(file.c_str(), F_OK) != 0) {
    return base::not_found(fmt::format("{} {}: there is no such file", what, file));
  }
  return base::invalid_argument(
      fmt::format("{} {}: {} (a PEM file is expected)", what, file, error.message()));
}

std::shared_ptr<TlsContext> strict_context() {
  auto tls = std::make_shared<TlsContext>();
  SSL_CTX* native = tls->context().native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native,
                      SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  return tls;
}

}  // namespace

base::Result<std::shared_ptr<TlsContext>> TlsContext::for_server(const std::string& certificate_file,
                                                                 const std::string& key_file) {
  auto tls = strict_context();
  boost::system::error_code error;
  tls->context().use_certificate_chain_file(certificate_file, error);
  if (error) return file_error(certificate_file, "the certificate", error);
  tls->context().use_private_key_file(key_file, boost::asio::ssl::context::pem, error);
  if (error) return file_error(key_file, "the key", error);
  if (SSL_CTX_check_private_key(tls->context().native_handle()) != 1) {
    ERR_clear_error();
    return base::invalid_argument(
        fmt::format("the key {} does not belong to the certificate {}", key_file, certificate_file));
  }
  return tls;
}

base::Result<std::shared_ptr<TlsContext>> TlsContext::for_client(const std::string& authority_file) {
  auto tls = strict_context();
  boost::system::error_code error;
  if (authority_file.empty()) {
    tls->context().set_default_verify_paths(error);
  } else {
    tls->context().load_verify_file(authority_file, error);
    if (error) return file_error(authority_file, "the authority", error);
  }
  tls->context().set_verify_mode(boost::asio::ssl::verify_peer, error);
  return tls;
}

}  // namespace fairlead::net
