#pragma once

#include "base/result.h"
#include "cli/environment.h"

#include <string>
#include <string_view>
#include <vector>

namespace fairlead::cli {

/// A server and how to sign in to it.
struct Context {
  std::string name;
  std::string server;     ///< "http://127.0.0.1:7070"
  std::string socket;     ///< Unix socket on this machine, preferred to the URL; empty: none
  std::string token;      ///< empty: the socket says who asks, or nobody is signed in
  std::string authority;  ///< PEM file of a private authority; empty: the system's
  std::string project;    ///< for commands that do not name one; empty: none
};

/// The contexts that a person has signed in to: $FAIRLEAD_CONTEXT, or fairlead/contexts below
/// $XDG_CONFIG_HOME (~/.config).
struct ContextFile {
  std::string current;
  std::vector<Context> contexts;
};
std::string context_path(const Environment& environment);
/// A file that is not there has no contexts. Errors: kInvalidArgument with the line, kPermissionDenied.
base::Result<ContextFile> read_contexts(const std::string& path);
/// Writes the file anew, mode 0600, in one step. Errors: kUnavailable, kPermissionDenied.
base::Result<void> write_contexts(const std::string& path, const ContextFile& contexts);

/// The context that the platform itself leaves in its state folder ("context.yaml").
base::Result<Context> read_platform_context(const std::string& folder);
base::Result<void> write_platform_context(const std::string& folder, const Context& context);

/// What a command talks to: --server, then $FAIRLEAD_SERVER and $FAIRLEAD_TOKEN, then the current context,
/// then the platform of this user on this machine. With $FAIRLEAD_STATE set, that platform comes before the
/// contexts. Errors: kUnavailable with the remedy when there is none.
base::Result<Context> choose_context(const Environment& environment, std::string_view server);

}  // namespace fairlead::cli
