#pragma once

#include "base/result.h"
#include "kube/api_server.h"
#include "manifest/objects.h"

#include <memory>
#include <string>
#include <vector>

namespace fairlead::kube {

/// Reads what scheduling needs to know of a cluster into the reader, and writes nothing. Returns what could
/// not be seen, a line each (no right to list a kind). Errors: kUnavailable when the server does not answer;
/// kPermissionDenied when not even pods and nodes may be listed.
base::Result<std::vector<std::string>> read_cluster(const std::shared_ptr<const ApiServer>& server,
                                                    manifest::ObjectReader& reader);

}  // namespace fairlead::kube
