#pragma once

#include <cstdint>
#include <string>

namespace fairlead::host {

/// Whether something on this machine answers GET `path` at `port` with 2xx or 3xx within two seconds. With an
/// empty path: whether it takes a connection.
bool answers_well(std::uint16_t port, const std::string& path);

}  // namespace fairlead::host
