#pragma once

#include "scenario.h"

#include <string>
#include <vector>

namespace fairlead::scenarios {

/// Reads the scenarios of a table. Throws TableError, with the scenario and the field.
std::vector<Scenario> read_table(const std::string& path);

}  // namespace fairlead::scenarios
