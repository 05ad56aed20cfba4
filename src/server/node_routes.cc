#include "base/json_writer.h"
#include "server/call.h"
#include "server/services.h"
#include "server/view_json.h"

#include <string>

namespace fairlead::server {
namespace {

using net::HttpResponse;

HttpResponse nodes(Call& call) {
  std::string text;
  base::JsonWriter json(text);
  json.begin_object();
  json.key("items");
  json.begin_array();
  for (const world::NodeView& node : call.view->nodes) write_node(json, node, *call.view);
  json.end_array();
  json.end_object();
  return json_response(std::move(text));
}

HttpResponse node(Call& call) {
  for (const world::NodeView& node : call.view->nodes) {
    if (node.name != call.path_value("node")) continue;
    std::string text;
    base::JsonWriter json(text);
    write_node(json, node, *call.view);
    return json_response(std::move(text));
  }
  return missing("node", call.path_value("node")).response();
}

HttpResponse devices(Call& call) {
  const QueueSet visible(call.identity, Role::kViewer, *call.view);
  const std::string wanted = call.query_value("node");
  std::string text;
  base::JsonWriter json(text);
  json.begin_object();
  json.key("items");
  json.begin_array();
  for (const world::DeviceView& device : call.view->devices) {
    if (wanted.empty() || device.node == wanted) write_device(json, device, visible);
  }
  json.end_array();
  json.end_object();
  return json_response(std::move(text));
}

HttpResponse device(Call& call) {
  for (const world::DeviceView& device : call.view->devices) {
    if (device.identity != call.path_value("identity")) continue;
    std::string text;
    base::JsonWriter json(text);
    write_device(json, device, QueueSet(call.identity, Role::kViewer, *call.view));
    return json_response(std::move(text));
  }
  return missing("device", call.path_value("identity")).response();
}

}  // namespace

void add_node_routes(Router& router, Services&) {
  router.add({.method = "GET",
              .path = "/api/v1/nodes",
              .operation = "listNodes",
              .summary = "The nodes, with what each enforces",
              .answer = "NodeList",
              .handle = nodes});
  router.add({.method = "GET",
              .path = "/api/v1/nodes/{node}",
              .operation = "getNode",
              .summary = "One node",
              .answer = "Node",
              .handle = node});
  router.add({.method = "GET",
              .path = "/api/v1/devices",
              .operation = "listDevices",
              .summary = "The devices, with what they are used for as far as you may see it",
              .query = {{"node", "string", "Only of this node"}},
              .answer = "DeviceList",
              .handle = devices});
  router.add({.method = "GET",
              .path = "/api/v1/devices/{identity}",
              .operation = "getDevice",
              .summary = "One device",
              .answer = "Device",
              .handle = device});
}

}  // namespace fairlead::server
