#pragma once

#include "base/json_reader.h"
#include "kube/api_client.h"

#include <functional>
#include <string>
#include <string_view>

namespace fairlead::kube {

struct ListRequest {
  std::string path;    ///< of the resource
  std::string filter;  ///< "&fieldSelector=...", or empty
  std::int64_t page = 500;
  std::string accept = "application/json";
  const StopSignal* stop = nullptr;
};

/// Reads everything that a resource has in one consistent state, page after page, and calls `on_item` for
/// each object, whose value is valid during the call, and `on_page` after each page. Returns the version of
/// that state, from which a watch may begin. Errors: those of the calls; kOutOfRange when the state was
/// forgotten while it was read.
base::Result<std::string> list_objects(ApiClient& client, const ListRequest& request,
                                       base::JsonReader& reader,
                                       const std::function<void(const base::JsonValue& object)>& on_item,
                                       const std::function<base::Result<void>()>& on_page);

}  // namespace fairlead::kube
