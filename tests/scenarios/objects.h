#pragma once

#include "fields.h"
#include "model/event.h"

#include <vector>

namespace fairlead::scenarios {

/// Reads the objects of a scenario or of a step: the keys configuration, nodes, queues, topologies,
/// namespaces, claims, budgets, usage, groups and pods. README.md lists what each may hold.
std::vector<model::Event> read_objects(Fields& fields, base::Time at);

base::Time seconds(std::int64_t since_start);

}  // namespace fairlead::scenarios
