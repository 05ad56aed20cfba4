#include "manifest/cycle.h"

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "manifest/encode.h"

namespace fairlead::manifest {
namespace {

struct Parts {
  std::string_view now;
  std::string_view run;
  std::string_view objects;
  std::string_view state;
};

/// Finds the members without reading them: the objects may be many.
base::Result<Parts> take_apart(std::string_view json) {
  const auto malformed = [](std::string_view why) {
    return base::invalid_argument("the cycle document is not valid: " + std::string(why));
  };
  Parts parts;
  base::JsonScanner scanner(json);
  scanner.skip_space();
  if (!scanner.take('{')) return malformed("write {\"now\": ..., \"run\": {...}, \"objects\": [...]}");
  scanner.skip_space();
  while (scanner.peek() == '"') {
    const auto key = scanner.key();
    if (!key) return key.error().in("cycle document");
    const auto value = scanner.value();
    if (!value) return value.error().in("cycle document");
    if (*key == "now") parts.now = *value;
    if (*key == "run") parts.run = *value;
    if (*key == "objects") parts.objects = *value;
    if (*key == "state") parts.state = *value;
    scanner.skip_space();
    if (!scanner.take(',')) break;
    scanner.skip_space();
  }
  if (!scanner.take('}')) return malformed("it does not end with }");
  scanner.skip_space();
  if (!scanner.at_end()) return malformed("something follows it");
  if (parts.objects.empty() || parts.objects.front() != '[') return malformed("objects is not a list");
  return parts;
}

}  // namespace

base::Result<CycleDocument> read_cycle(std::string_view json, ReadOptions options) {
  const auto parts = take_apart(json);
  if (!parts) return parts.error();
  std::string_view now = parts->now;
  if (now.size() < 2 || now.front() != '"') {
    return base::invalid_argument("cycle document: now is not a text; write an RFC 3339 instant");
  }
  const auto time = base::parse_time(now.substr(1, now.size() - 2));
  if (!time) return time.error().in("cycle document: now");
  CycleDocument document;
  document.now = *time;
  ObjectReader reader(std::move(options));
  reader.read(parts->objects, "objects");
  document.objects = reader.finish();
  if (!parts->run.empty() && parts->run != "null") {
    document.configuration = read_run_configuration(parts->run, document.objects.diagnostics);
  } else if (document.objects.configuration) {
    document.configuration = *document.objects.configuration;
  }
  if (!parts->state.empty() && parts->state != "null") {
    base::JsonReader json_reader;
    const auto value = json_reader.read(parts->state);
    if (!value) return value.error().in("cycle document: state");
    auto state = read_state(**value);
    if (!state) return state.error().in("cycle document");
    document.state = std::move(*state);
    if (document.state.configuration) document.configuration = *document.state.configuration;
    apply_exact(document.state.exact, document.objects);
  }
  document.objects.configuration = document.configuration;
  return document;
}

std::string write_cycle(const CycleDocument& document, int indent) {
  std::string objects;
  base::JsonWriter list(objects);
  list.begin_array();
  write_objects(list, document.objects);
  list.end_array();
  ObjectReader reader({});
  reader.read(objects, "objects");
  CycleState state = document.state;
  state.configuration = document.configuration;
  state.exact = exact_difference(reader.finish(), document.objects);

  std::string text;
  base::JsonWriter out(text, indent);
  out.begin_object();
  out.member("now", base::format_time(document.now));
  out.key("objects");
  out.begin_array();
  write_objects(out, document.objects);
  out.end_array();
  out.key("state");
  write_state(out, state);
  out.end_object();
  return text;
}

}  // namespace fairlead::manifest
