#pragma once

#include <string>

namespace fairlead::base {

/// Where a platform of this account keeps its state unless it is told otherwise: $FAIRLEAD_STATE, else
/// /var/lib/fairlead for root, else $XDG_STATE_HOME/fairlead, else ~/.local/state/fairlead; empty when none
/// of these is known. Reads the environment: not while another thread changes it.
std::string default_state_folder();

}  // namespace fairlead::base
