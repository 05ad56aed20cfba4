#pragma once

#include "net/http_server.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fairlead::server {

/// One file of the console as it is embedded in the program.
struct ConsoleFile {
  std::string_view path;  ///< "/assets/index-3f2a.js"
  std::string_view content_type;
  std::string_view gzip;  ///< its content, compressed
};

/// The console that the program was built with. Views of static data.
struct ConsoleFiles {
  std::span<const ConsoleFile> files;
  /// The page that all views share; "@nonce@" in it stands for the nonce of the answer. Empty: there is no
  /// console.
  std::string_view page;
  std::string_view absent;  ///< why there is none, and the remedy; a sentence for people
};

/// The policy of all pages: scripts and styles from this server only, and nothing inside other sites' frames.
/// Style elements that a page, or a library of the console, makes itself carry the nonce.
std::string content_security_policy(std::string_view nonce);

/// A plain page of the server itself. `content`: HTML.
net::HttpResponse plain_page(std::string_view content, int status = 200);

/// What the console answers to a request that no route of the API serves: one of its files, or its page for
/// an address of one of its views. None: the request is not for the console. Costs a copy of the file.
std::optional<net::HttpResponse> console_answer(const ConsoleFiles& console, const net::HttpRequest& request);

/// The first page: the console, or without one what there is instead.
net::HttpResponse console_home(const ConsoleFiles& console);

}  // namespace fairlead::server
