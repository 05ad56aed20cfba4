#pragma once

#include "base/result.h"

#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <string>

namespace fairlead::net {

/// Keys, certificates and rules of TLS (1.2 and above), shared by connections.
class TlsContext {
 public:
  TlsContext() : context_(boost::asio::ssl::context::tls) {}
  boost::asio::ssl::context& context() { return context_; }

  /// For a server, from PEM files: the certificate with its chain, and its key. Errors: kNotFound,
  /// kInvalidArgument with the file and what is wrong with it.
  static base::Result<std::shared_ptr<TlsContext>> for_server(const std::string& certificate_file,
                                                              const std::string& key_file);
  /// For a client that trusts the authorities of the file, or those of the system when it is empty.
  static base::Result<std::shared_ptr<TlsContext>> for_client(const std::string& authority_file);

 private:
  boost::asio::ssl::context context_;
};

}  // namespace fairlead::net
