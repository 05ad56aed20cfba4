#include "base/json_reader.h"
#include "manifest/fields.h"
#include "server/call.h"
#include "server/port_session.h"
#include "server/services.h"
#include "server/view_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::server {
namespace {

using net::HttpResponse;

constexpr std::size_t kMostLogBytes = 4U << 20U;
constexpr int kMostForwarded = 256;  // connections to ports, each with a thread

Problem no_workload(const Call& call) {
  return missing("workload", call.path_value("project") + "/" + call.path_value("name"));
}

LogChoice choice_of(const Call& call, std::optional<Problem>& problem) {
  LogChoice choice;
  choice.project = call.path_value("project");
  choice.name = call.path_value("name");
  choice.replica = call.query_value("replica");
  choice.role = call.query_value("role");
  const auto number = [&](std::string_view name, std::int64_t most) -> std::int64_t {
    const auto text = call.request.query_value(name);
    if (!text) return 0;
    const auto value = manifest::parse_integer(*text);
    if (value && *value >= 0 && *value <= most) return *value;
    problem = bad_value(std::string(name), std::string(*text), fmt::format("{}: is not a number", name),
                        fmt::format("write 0 to {}", most));
    return 0;
  };
  choice.index = static_cast<std::int32_t>(number("index", 1'000'000));
  choice.offset = static_cast<std::uint64_t>(number("offset", std::int64_t{1} << 60U));
  return choice;
}

HttpResponse logs(Services& services, Call& call) {
  std::optional<Problem> problem;
  LogChoice choice = choice_of(call, problem);
  if (problem) return problem->response();
  const world::WorkloadView* workload = call.view->find(choice.project, choice.name);
  if (workload == nullptr) return no_workload(call).response();
  const world::ReplicaView* replica = chosen_replica(*workload, choice);
  if (!choice.replica.empty() && replica == nullptr) return missing("replica", choice.replica).response();
  HttpResponse response;
  response.content_type = "text/plain; charset=utf-8";
  if (call.query_flag("follow")) {
    response.stream = [&services, choice](std::shared_ptr<net::BodyStream> out) {
      services.pump.add(log_stream(std::move(out), services.world, choice));
    };
    return response;
  }
  // Before the first replica has started there is an empty log, not an error.
  std::uint64_t offset = choice.offset;
  while (replica != nullptr && response.body.size() < kMostLogBytes) {
    const auto piece = services.world.read_log(replica->uid, offset, kMostLogBytes - response.body.size());
    if (!piece) return problem_of(piece.error()).response();
    offset = piece->next;
    response.body += piece->bytes;
    if (piece->bytes.empty() || piece->ended) break;
  }
  response.headers.emplace_back("Fairlead-Next-Offset", fmt::format("{}", offset));
  return response;
}

// Joins a terminal and a WebSocket. Binary messages are input and output; a text message is a control:
// {"columns": 80, "rows": 24} from the client, {"exitCode": 0} to it.
class ExecSession {
 public:
  explicit ExecSession(std::shared_ptr<net::WebSocket> socket) : socket_(std::move(socket)) {}

  void attach(std::unique_ptr<world::Terminal> terminal) {
    std::lock_guard lock(mutex_);
    if (!closed_) terminal_ = std::move(terminal);
  }
  void output(std::string_view bytes) { socket_->send(bytes, true); }
  void exited(std::int32_t code) {
    socket_->send(fmt::format("{{\"exitCode\":{}}}", code), false);
    socket_->close(1000, "the command has ended");
  }
  void message(std::string_view bytes, bool binary) {
    std::lock_guard lock(mutex_);
    if (terminal_ == nullptr) return;
    if (binary) {
      terminal_->write(bytes);
      return;
    }
    base::JsonReader reader;
    const auto control = reader.read(bytes);
    if (!control) return;
    const auto number = [&](std::string_view key) -> std::uint16_t {
      const base::JsonValue* value = (*control)->find(key);
      const auto parsed = manifest::parse_integer(value == nullptr ? std::string_view() : value->text());
      return parsed && *parsed > 0 && *parsed < 10'000 ? static_cast<std::uint16_t>(*parsed) : 0;
    };
    const std::uint16_t columns = number("columns");
    const std::uint16_t rows = number("rows");
    if (columns != 0 && rows != 0) terminal_->resize(columns, rows);
  }
  void close() {
    std::unique_ptr<world::Terminal> dropped;
    std::lock_guard lock(mutex_);
    closed_ = true;
    dropped = std::move(terminal_);
  }

 private:
  std::shared_ptr<net::WebSocket> socket_;
  std::mutex mutex_;  // guards what follows
  std::unique_ptr<world::Terminal> terminal_;
  bool closed_ = false;
};

base::Result<net::WebSocketHandler> exec(Services& services, Call& call,
                                         std::shared_ptr<net::WebSocket> socket) {
  std::optional<Problem> problem;
  const LogChoice choice = choice_of(call, problem);
  if (problem) return base::invalid_argument(problem->detail);
  const world::WorkloadView* workload = call.view->find(choice.project, choice.name);
  if (workload == nullptr) return base::not_found(no_workload(call).detail);
  // A terminal acts as the submitter's Unix account.
  if (workload->submitted_by != call.identity.user &&
      !has_role_everywhere(call.identity, Role::kAdministrator)) {
    return base::Error(
        base::Code::kPermissionDenied,
        fmt::format("workload {} is {}'s: only its owner and administrators of the platform may "
                    "run commands in it",
                    workload->spec.key(), workload->submitted_by));
  }
  const world::ReplicaView* replica = chosen_replica(*workload, choice);
  if (replica == nullptr || replica->state != "Running") {
    return base::Error(base::Code::kFailedPrecondition,
                       fmt::format("workload {} has no such replica running", workload->spec.key()));
  }
  std::vector<std::string> command;
  for (const auto& [name, value] : call.request.query) {
    if (name == "command") command.push_back(value);
  }
  if (command.empty()) return base::invalid_argument("command: is missing; name the program to run");
  auto session = std::make_shared<ExecSession>(std::move(socket));
  world::TerminalEvents events;
  events.on_output = [session](std::string_view bytes) { session->output(bytes); };
  events.on_exit = [session](std::int32_t code) { session->exited(code); };
  auto terminal = services.world.exec(replica->uid, command, call.query_flag("tty"), std::move(events));
  if (!terminal) return terminal.error();
  session->attach(*std::move(terminal));
  net::WebSocketHandler handler;
  handler.on_message = [session](std::string_view bytes, bool binary) { session->message(bytes, binary); };
  handler.on_close = [session] { session->close(); };
  return handler;
}

// The owner, as long as they may work in the project, and whoever administers it.
bool may_reach_ports(const Call& call, const world::WorkloadView& workload) {
  return workload.submitted_by == call.identity.user ||
         call.may(Role::kDepartmentAdministrator, workload.spec.project);
}

base::Result<net::WebSocketHandler> port_forward(Services& services, Call& call,
                                                 std::shared_ptr<net::WebSocket> socket,
                                                 const std::shared_ptr<std::atomic<int>>& open) {
  std::optional<Problem> problem;
  const LogChoice choice = choice_of(call, problem);
  if (problem) return base::invalid_argument(problem->detail);
  const auto port = manifest::parse_integer(call.query_value("port"));
  constexpr std::int64_t kHighest = 65'535;
  if (!port || *port < 1 || *port > kHighest)
    return base::invalid_argument(
        fmt::format("port: \"{}\" is no port; write 1 to {}", call.query_value("port"), kHighest));
  const world::WorkloadView* workload = call.view->find(choice.project, choice.name);
  if (workload == nullptr) return base::not_found(no_workload(call).detail);
  if (!may_reach_ports(call, *workload))
    return base::Error(
        base::Code::kPermissionDenied,
        fmt::format("workload {} is {}'s: only its owner and administrators of its project may "
                    "reach its ports",
                    workload->spec.key(), workload->submitted_by));
  const world::ReplicaView* replica = chosen_replica(*workload, choice);
  if (replica == nullptr || replica->state != "Running")
    return base::Error(base::Code::kFailedPrecondition,
                       fmt::format("workload {} has no such replica running", workload->spec.key()));
  if (open->fetch_add(1) >= kMostForwarded) {
    open->fetch_sub(1);
    return base::Error(base::Code::kResourceExhausted,
                       fmt::format("{} connections are forwarded already", kMostForwarded));
  }
  auto session = std::make_shared<PortSession>(std::move(socket));
  auto connection =
      services.world.connect_port(replica->uid, static_cast<std::uint16_t>(*port), session->events());
  if (!connection) {
    open->fetch_sub(1);
    return connection.error();
  }
  session->attach(*std::move(connection));
  return session->handler([open] { open->fetch_sub(1); });
}

HttpResponse workload_events(Services& services, Call& call) {
  const std::string project = call.path_value("project");
  const std::string name = call.path_value("name");
  if (call.view->find(project, name) == nullptr) return no_workload(call).response();
  std::optional<Problem> problem;
  const Page page = Page::of(call, problem);
  if (problem) return problem->response();
  const auto after =
      page.after.empty() ? std::optional<std::int64_t>(0) : manifest::parse_integer(page.after);
  if (auto read = services.history.refresh(); !read) return problem_of(read.error()).response();
  const auto entries = services.history.after(static_cast<std::uint64_t>(after.value_or(0)), page.limit,
                                              "workload " + project + "/" + name);
  if (!entries) return problem_of(entries.error()).response();
  std::string body = "{\"items\":[";
  for (const ledger::HistoryEntry& entry : *entries) {
    if (body.back() != '[') body += ',';
    body += history_json(entry);
  }
  body += ']';
  if (entries->size() == page.limit) {
    body += fmt::format(",\"next\":\"{}\"", page_token(fmt::format("{}", entries->back().position)));
  }
  return json_response(body + "}");
}

bool is_secret_name(std::string_view name) {
  constexpr std::size_t kLongest = 253;
  return name.size() <= kLongest && std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_';
         });
}

HttpResponse put_secret(Services& services, Call& call) {
  if (const std::string& name = call.path_value("name"); !is_secret_name(name)) {
    return bad_value("name", name, fmt::format("\"{}\" is not a name of secrets", name),
                     "write up to 253 letters, digits and . - _")
        .response();
  }
  Body body(call.request);
  std::string value;
  if (body.root() != nullptr) {
    body.only(*body.root(), {"value"});
    value = body.required_text("value", "write {\"value\": \"...\"}");
  }
  if (auto problem = body.problem()) {
    problem->value.clear();  // never back out
    return problem->response();
  }
  const auto put = services.world.put_secret(call.path_value("project"), call.path_value("name"), value,
                                             call.identity.actor());
  if (!put) return problem_of(put.error()).response();
  if (auto noted =
          services.audit.note(call.identity.user, call.request.peer, "put-secret",
                              "secret " + call.path_value("project") + "/" + call.path_value("name"), true);
      !noted) {
    return problem_of(noted.error()).response();
  }
  return no_content();
}

}  // namespace

void add_workload_stream_routes(Router& router, Services& services) {
  const std::vector<Parameter> replica = {{"replica", "string", "Uid of one attempt of a replica"},
                                          {"role", "string", "Role of the replica [the first]"},
                                          {"index", "integer", "Index of the replica in its role [0]"}};
  std::vector<Parameter> of_logs = replica;
  of_logs.push_back({"offset", "integer", "First byte [0]"});
  of_logs.push_back({"follow", "boolean", "Go on until the workload ends, attempt after attempt"});
  router.add(
      {.method = "GET",
       .path = "/api/v1/workloads/{project}/{name}/logs",
       .operation = "getLogs",
       .summary = "The output of one replica as text; the header Fairlead-Next-Offset says where to go on",
       .role = Role::kResearcher,
       .scope = Scope::kProject,
       .query = of_logs,
       .handle = [&services](Call& call) { return logs(services, call); }});
  std::vector<Parameter> of_exec = replica;
  of_exec.push_back({"command", "string[]", "The program and its arguments, one parameter each"});
  of_exec.push_back({"tty", "boolean", "Give it a terminal"});
  router.add({.method = "GET",
              .path = "/api/v1/workloads/{project}/{name}/exec",
              .operation = "exec",
              .summary = "A WebSocket to a command that runs beside a replica: binary messages are input and "
                         "output, {\"columns\", \"rows\"} resizes, {\"exitCode\"} ends",
              .role = Role::kResearcher,
              .scope = Scope::kProject,
              .query = of_exec,
              .connect = [&services](Call& call, std::shared_ptr<net::WebSocket> socket) {
                return exec(services, call, std::move(socket));
              }});
  std::vector<Parameter> of_port = replica;
  of_port.push_back({"port", "integer", "On which the replica listens"});
  router.add({.method = "GET",
              .path = "/api/v1/workloads/{project}/{name}/port-forward",
              .operation = "portForward",
              .summary = "A WebSocket to a port of a replica: binary messages are the bytes of a TCP "
                         "connection, {\"end\": true} says that no more will be sent",
              .role = Role::kResearcher,
              .scope = Scope::kProject,
              .query = of_port,
              .connect = [&services, open = std::make_shared<std::atomic<int>>(0)](
                             Call& call, std::shared_ptr<net::WebSocket> socket) {
                return port_forward(services, call, std::move(socket), open);
              }});
  router.add({.method = "GET",
              .path = "/api/v1/workloads/{project}/{name}/events",
              .operation = "listWorkloadEvents",
              .summary = "What happened to a workload, oldest first",
              .scope = Scope::kProject,
              .query = {{"limit", "integer", "Items of a page, 1 to 1000 [100]"},
                        {"after", "string", "The \"next\" of the page before"}},
              .answer = "EventList",
              .handle = [&services](Call& call) { return workload_events(services, call); }});
  router.add({.method = "PUT",
              .path = "/api/v1/secrets/{project}/{name}",
              .operation = "putSecret",
              .summary = "Store a secret of a project, which nobody can read back",
              .role = Role::kResearcher,
              .scope = Scope::kProject,
              .body = "Secret",
              .status = 204,
              .handle = [&services](Call& call) { return put_secret(services, call); }});
}

}  // namespace fairlead::server
