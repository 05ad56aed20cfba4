#pragma once

#include "cli/command.h"

#include <vector>

namespace fairlead::cli {

/// The commands that ask a server, by group; each group stands in a file of its own.
std::vector<Command> submit_commands();           ///< submit, apply
std::vector<Command> workload_commands();         ///< list, get, describe
std::vector<Command> workload_change_commands();  ///< delete, suspend, resume, scale
Command why_command();
Command logs_command();
Command exec_command();
Command port_forward_command();
Command queue_command();
Command node_list_command();  ///< "list", below "node"
Command device_command();
std::vector<Command> history_commands();  ///< events, usage
std::vector<Command> session_commands();  ///< login, logout, whoami, context
std::vector<Command> user_commands();     ///< user, access, token, secret
Command top_command();

}  // namespace fairlead::cli
