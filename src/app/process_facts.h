#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::app {

/// What only the process knows, for layers that are told everything.

std::string own_program();
std::string own_account_name();
/// 128 random bits in hexadecimal.
std::string random_uid();
/// The variables that workloads inherit: where programs are, language and time zone. Nothing else, so that
/// what the platform was started with (credentials, say) stays with it.
std::vector<std::pair<std::string, std::string>> inherited_environment();
/// Why the API cannot listen there, with the process that does where it can be told; none: it can.
std::optional<std::string> port_problem(const std::string& address, std::uint16_t port);
/// Waits until a process has gone, at most so many seconds.
bool wait_for_end(int pid, int seconds);

}  // namespace fairlead::app
