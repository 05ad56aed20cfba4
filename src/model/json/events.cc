#include "model/json/events.h"

#include "base/json_reader.h"
#include "model/json/codec.h"

namespace fairlead::model::json {

void write_events(base::JsonWriter& out, std::span<const model::Event> events) {
  out.begin_array();
  for (const model::Event& event : events) {
    out.begin_object();
    if (event.time != base::Time()) out.member("time", event.time.unix_nanoseconds());
    write_alternative(out, event.body);
    out.end_object();
  }
  out.end_array();
}

std::string events_to_json(std::span<const model::Event> events) {
  std::string text;
  base::JsonWriter out(text);
  write_events(out, events);
  return text;
}

base::Result<std::vector<model::Event>> read_events(const base::JsonValue& json) {
  if (!json.is_array()) return base::invalid_argument("the events are not a list");
  std::vector<model::Event> events;
  events.reserve(json.items().size());
  for (const base::JsonValue& item : json.items()) {
    model::Event& event = events.emplace_back();
    Fault fault;
    if (!read_tagged(item, "time", event.time, event.body, fault)) {
      fault.at(events.size() - 1);
      return fault.error().in("events");
    }
  }
  return events;
}

base::Result<std::vector<model::Event>> events_from_json(std::string_view text) {
  base::JsonReader reader;
  const auto json = reader.read(text);
  if (!json) return json.error().in("events");
  return read_events(**json);
}

void write_configuration(base::JsonWriter& out, const model::Configuration& configuration) {
  write(out, configuration);
}

base::Result<model::Configuration> read_configuration(const base::JsonValue& json) {
  model::Configuration configuration;
  Fault fault;
  if (!read(json, configuration, fault)) return fault.error().in("configuration");
  return configuration;
}

bool same_event(const model::Event& a, const model::Event& b) {
  if (a.time != b.time || a.body.index() != b.body.index()) return false;
  return std::visit(
      [&b](const auto& body) {
        using Body = std::remove_cvref_t<decltype(body)>;
        return same(body, std::get<Body>(b.body));
      },
      a.body);
}

}  // namespace fairlead::model::json
