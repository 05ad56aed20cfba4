#include "base/json_writer.h"
#include "cli/api_client.h"
#include "cli/client_commands.h"
#include "cli/output.h"
#include "cli/submit_flags.h"
#include "cli/workload_text.h"
#include "manifest/workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::cli {
namespace {

struct SubmitOptions {
  ClientOptions client;
  SubmitFlags flags;
  Output output = Output::kTable;
  std::vector<std::string> files;
  std::string positional_name;
  bool dry_run = false;
};

struct ApplyOptions {
  ClientOptions client;
  Output output = Output::kTable;
  std::vector<std::string> files;
  bool dry_run = false;
};

base::Result<std::string> text_of(const std::string& file, const Environment& environment) {
  if (file == "-") return environment.read_standard_input();
  std::ifstream in(file, std::ios::binary);
  if (!in) return base::not_found(fmt::format("{}: {}", file, std::strerror(errno)));
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// The files named, and of a folder those in it by name.
std::vector<std::string> files_of(const std::vector<std::string>& named) {
  std::vector<std::string> files;
  for (const std::string& name : named) {
    std::error_code ignored;
    if (!std::filesystem::is_directory(name, ignored)) {
      files.push_back(name);
      continue;
    }
    std::vector<std::string> inside;
    for (const auto& entry : std::filesystem::directory_iterator(name, ignored)) {
      const auto extension = entry.path().extension();
      if (extension == ".yaml" || extension == ".yml" || extension == ".json") inside.push_back(entry.path());
    }
    std::sort(inside.begin(), inside.end());
    files.insert(files.end(), inside.begin(), inside.end());
  }
  return files;
}

// All workloads of all files, or nothing after having told everything that is wrong.
std::optional<std::vector<model::Workload>> read_files(const std::vector<std::string>& named,
                                                       const Environment& environment) {
  std::vector<model::Workload> workloads;
  bool failed = false;
  for (const std::string& file : files_of(named)) {
    const auto text = text_of(file, environment);
    if (!text) {
      environment.err << "fairlead: " << text.error().message() << '\n';
      failed = true;
      continue;
    }
    manifest::WorkloadReading reading =
        manifest::read_workloads(*text, file == "-" ? "standard input" : file);
    for (const manifest::Diagnostic& diagnostic : reading.diagnostics) {
      const bool error = diagnostic.severity == manifest::Diagnostic::Severity::kError;
      environment.err << (error ? "fairlead: " : "warning: ") << manifest::format(diagnostic) << '\n';
    }
    failed = failed || reading.failed();
    std::move(reading.workloads.begin(), reading.workloads.end(), std::back_inserter(workloads));
  }
  if (!failed && workloads.empty()) {
    environment.err << "fairlead: the files hold no workloads\n";
    failed = true;
  }
  if (failed) return std::nullopt;
  return workloads;
}

void print_forecast(const model::Workload& workload, const base::JsonValue& forecast,
                    const Environment& environment) {
  const Style style = style_of(environment);
  const std::string node = text_at(forecast, "node");
  if (at(forecast, "starts").boolean()) {
    environment.out << fmt::format("{} {}{}\n", workload.key(), style.good("would start now"),
                                   node.empty() ? "" : " on " + printable(node));
  } else {
    environment.out << fmt::format("{} {}: {}\n", workload.key(), style.warning("would wait"),
                                   printable(text_at(forecast, "reason")));
  }
  const auto list = [&](std::string_view heading, std::string_view key) {
    for (const base::JsonValue& item : at(forecast, key).items()) {
      environment.out << "  " << heading << ' ' << printable(item.text()) << '\n';
    }
  };
  list("stops", "evicted");
  list("shrinks", "shrunk");
  list("also starts", "started");
  list("to start it:", "remedies");
}

struct Sending {
  ApiClient& client;
  Output output;
  bool dry_run = false;
  bool replaces = false;
};

int send_workload(const Sending& sending, const model::Workload& workload, const Environment& environment) {
  int code = kExitOk;
  ApiClient::Request request;
  request.body = manifest::write_workload(workload);
  request.method = sending.replaces ? "PUT" : "POST";
  request.path = "/api/v1/workloads";
  if (sending.replaces) request.path += "/" + encoded(workload.project) + "/" + encoded(workload.name);
  if (sending.dry_run) request.path += "?dryRun=true";
  const auto response = sending.client.send(request, code);
  if (!response) return code;
  if (response->status >= 400) return sending.client.tell_problem(*response);
  auto answer = Document::parse(response->body);
  if (!answer) {
    environment.err << "fairlead: the server's answer cannot be read: " << answer.error().message() << '\n';
    return kExitFailed;
  }
  if (print_document(environment, **answer, sending.output,
                     [&](const base::JsonValue&) { return workload.key(); })) {
    return kExitOk;
  }
  if (sending.dry_run) {
    print_forecast(workload, (*answer)->root(), environment);
  } else {
    environment.out << fmt::format("workload {} {}\n", workload.key(),
                                   response->status == 201 ? "submitted" : "changed");
  }
  return kExitOk;
}

int send_all(const Sending& sending, const std::vector<model::Workload>& workloads,
             const Environment& environment) {
  int result = kExitOk;
  for (const model::Workload& workload : workloads) {
    const int code = send_workload(sending, workload, environment);
    if (result == kExitOk) result = code;
  }
  return result;
}

int run_submit(const SubmitOptions& options, const Environment& environment) {
  int code = kExitOk;
  std::vector<model::Workload> workloads;
  if (!options.files.empty()) {
    auto read = read_files(options.files, environment);
    if (!read) return kExitFailed;
    workloads = *std::move(read);
    for (model::Workload& workload : workloads) {
      if (!options.client.project.empty()) workload.project = options.client.project;
      if (!options.flags.name.empty()) workload.name = options.flags.name;
    }
  }
  const auto client = ApiClient::open(environment, options.client, code);
  if (client == nullptr) return code;
  if (options.files.empty()) {
    SubmitFlags flags = options.flags;
    if (flags.name.empty()) flags.name = options.positional_name;
    const auto workload = workload_of(flags, client->project(), environment.now());
    if (!workload) {
      environment.err << "fairlead: " << workload.error().message() << '\n';
      return kExitFailed;
    }
    workloads.push_back(*workload);
  }
  const Sending sending{*client, options.output, options.dry_run, false};
  code = send_all(sending, workloads, environment);
  if (code == kExitOk && !options.dry_run && options.output == Output::kTable &&
      environment.out_is_terminal) {
    environment.out << "See 'fairlead list', 'fairlead logs -f " << workloads.front().name
                    << "', 'fairlead why " << workloads.front().name << "'.\n";
  }
  return code;
}

int run_apply(const ApplyOptions& options, const Environment& environment) {
  int code = kExitOk;
  const auto workloads = read_files(options.files, environment);
  if (!workloads) return kExitFailed;
  const auto client = ApiClient::open(environment, options.client, code);
  if (client == nullptr) return code;
  return send_all({*client, options.output, options.dry_run, true}, *workloads, environment);
}

}  // namespace

std::vector<Command> submit_commands() {
  auto options = std::make_shared<SubmitOptions>();
  Command submit;
  submit.name = "submit";
  submit.description = "Submit a workload, by flags or from files";
  submit.more = "The command to run follows \"--\". It is run as it stands, without a shell.";
  submit.examples =
      "  fairlead submit hello -g 1 -- sh -c 'echo hi'\n"
      "  fairlead submit --name llama -p research -g 2 --workers 4 -e EPOCHS=3 -- python3 train.py\n"
      "  fairlead submit --name chat --type inference -g 0.5 --min-replicas 0 --max-replicas 4 -- ./serve\n"
      "  fairlead submit --name big -g 8 --dry-run -- true       where it would run, or why it would wait\n"
      "  fairlead submit -f workload.yaml -p research";
  submit.argument("name", options->positional_name, "[NAME]", "Its name; as --name");
  submit
      .option("-f,--filename", options->files, "FILE",
              "Workloads as YAML or JSON: a file, a folder, or - for standard input; may be repeated")
      .takes_path = true;
  add_project_option(submit, options->client);
  add_submit_flags(submit, options->flags);
  submit.flag("--dry-run", options->dry_run, "Submit nothing; tell where it would run, or why it would wait");
  add_output_option(submit, options->output);
  add_client_options(submit, options->client);
  submit.check = [options]() -> std::string {
    if (options->files.empty() && options->flags.command.empty()) {
      return "submit needs -f FILE, or the command to run after --";
    }
    if (!options->files.empty() && !options->flags.command.empty())
      return "-f and a command exclude each other";
    return {};
  };
  submit.run = [options](const Environment& environment) { return run_submit(*options, environment); };

  auto applied = std::make_shared<ApplyOptions>();
  Command apply;
  apply.name = "apply";
  apply.description = "Submit the workloads of files, or replace those that are there by a new version";
  apply.examples =
      "  fairlead apply -f workload.yaml\n"
      "  fairlead get chat -o yaml > chat.yaml; $EDITOR chat.yaml; fairlead apply -f chat.yaml";
  Option& files =
      apply.option("-f,--filename", applied->files, "FILE",
                   "Workloads as YAML or JSON: a file, a folder, or - for standard input; may be repeated");
  files.takes_path = true;
  files.required = true;
  apply.flag("--dry-run", applied->dry_run, "Change nothing; tell what would happen");
  add_output_option(apply, applied->output);
  add_client_options(apply, applied->client);
  apply.run = [applied](const Environment& environment) { return run_apply(*applied, environment); };

  std::vector<Command> commands;
  commands.push_back(std::move(submit));
  commands.push_back(std::move(apply));
  return commands;
}

}  // namespace fairlead::cli
