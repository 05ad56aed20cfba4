#include "cli/context.h"

#include "base/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

namespace fairlead::cli {
namespace {

std::string variable(const Environment& environment, const std::string& name) {
  return environment.variable ? environment.variable(name).value_or(std::string()) : std::string();
}

std::string folder_of(const Environment& environment, const std::string& name, std::string_view below_home) {
  std::string folder = variable(environment, name);
  if (folder.empty()) folder = variable(environment, "HOME") + "/" + std::string(below_home);
  return folder;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

std::string* member_of(Context& context, std::string_view key) {
  if (key == "server") return &context.server;
  if (key == "socket") return &context.socket;
  if (key == "token") return &context.token;
  if (key == "authority") return &context.authority;
  if (key == "project") return &context.project;
  return nullptr;
}

// Lines of "key: value"; a line "context: NAME" begins a context.
base::Result<ContextFile> parse(std::string_view text, const std::string& path) {
  ContextFile file;
  int number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line.front() == '#') continue;
    const std::size_t colon = line.find(": ");
    const std::string_view key = line.substr(0, colon);
    const std::string_view value = colon == std::string_view::npos ? "" : trimmed(line.substr(colon + 2));
    if (key == "current") {
      file.current = value;
    } else if (key == "context") {
      file.contexts.push_back({});
      file.contexts.back().name = value;
    } else {
      if (file.contexts.empty()) file.contexts.push_back({});
      std::string* member = member_of(file.contexts.back(), key);
      if (member == nullptr) {
        return base::invalid_argument(
            fmt::format("{}, line {}: \"{}\" is not known; remove the line", path, number, key));
      }
      *member = value;
    }
  }
  return file;
}

base::Result<void> write_file(const std::string& path, std::string_view text) {
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  return base::write_atomically(path, text);
}

void append(std::string& out, std::string_view key, const std::string& value) {
  if (!value.empty()) out += fmt::format("{}: {}\n", key, value);
}

std::string text_of(const Context& context) {
  std::string out;
  append(out, "context", context.name);
  append(out, "server", context.server);
  append(out, "socket", context.socket);
  append(out, "token", context.token);
  append(out, "authority", context.authority);
  append(out, "project", context.project);
  return out;
}

}  // namespace

std::string context_path(const Environment& environment) {
  std::string path = variable(environment, "FAIRLEAD_CONTEXT");
  if (!path.empty()) return path;
  return folder_of(environment, "XDG_CONFIG_HOME", ".config") + "/fairlead/contexts";
}

base::Result<ContextFile> read_contexts(const std::string& path) {
  const auto text = base::read_file(path);
  if (!text) {
    if (text.error().code() == base::Code::kNotFound) return ContextFile{};
    return text.error();
  }
  return parse(*text, path);
}

base::Result<void> write_contexts(const std::string& path, const ContextFile& contexts) {
  std::string text = "# Servers that you have signed in to. Tokens are secrets.\n";
  append(text, "current", contexts.current);
  for (const Context& context : contexts.contexts) text += text_of(context);
  return write_file(path, text);
}

base::Result<Context> read_platform_context(const std::string& folder) {
  const std::string path = folder + "/context.yaml";
  const auto text = base::read_file(path);
  if (!text) {
    // Its socket is enough to reach it.
    std::error_code ignored;
    const std::string socket = folder + "/socket";
    if (folder.empty() || !std::filesystem::exists(socket, ignored)) return text.error();
    Context context;
    context.socket = socket;
    return context;
  }
  auto file = parse(*text, path);
  if (!file) return file.error();
  if (file->contexts.empty()) return base::not_found(path + " names no server");
  return std::move(file->contexts.front());
}

base::Result<void> write_platform_context(const std::string& folder, const Context& context) {
  return write_file(folder + "/context.yaml", text_of(context));
}

base::Result<Context> choose_context(const Environment& environment, std::string_view server) {
  Context chosen;
  chosen.token = variable(environment, "FAIRLEAD_TOKEN");
  chosen.server = server.empty() ? variable(environment, "FAIRLEAD_SERVER") : std::string(server);
  const auto file = read_contexts(context_path(environment));
  if (!file) return file.error();
  if (!chosen.server.empty()) {
    while (chosen.server.ends_with('/')) chosen.server.pop_back();
    // A server that somebody signed in to keeps its token, whichever way it is named.
    for (const Context& context : file->contexts) {
      const bool same = context.server == chosen.server || context.name == chosen.server;
      if (same && chosen.token.empty()) return context;
    }
    return chosen;
  }
  const bool platform_first = !variable(environment, "FAIRLEAD_STATE").empty();
  const auto platform = read_platform_context(environment.state_folder);
  if (platform && platform_first) return *platform;
  for (const Context& context : file->contexts) {
    if (context.name == file->current) return context;
  }
  if (platform) return *platform;
  return base::Error(
      base::Code::kUnavailable,
      "no server is known: start one on this machine with 'fairlead up', or sign in to one with "
      "'fairlead login URL'");
}

}  // namespace fairlead::cli
