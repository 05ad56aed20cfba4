#include "cli/ledger_command.h"

#include "cli/api_client.h"
#include "cli/context.h"
#include "cli/offline_commands.h"
#include "cli/output.h"
#include "cli/text_table.h"
#include "cli/usage_command.h"
#include "ledger/salvage.h"
#include "ledger/state_at.h"
#include "ledger/verify.h"
#include "ledger/verify_json.h"
#include "manifest/cycle.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <ostream>
#include <string_view>
#include <system_error>

namespace fairlead::cli {
namespace {

using ledger::SegmentReport;
using ledger::VerifyReport;
using Outcome = SegmentReport::Outcome;

std::string span_of(const ledger::Segment& segment) {
  return fmt::format("segment {}, {} to {}", segment.id, base::format_time(segment.began),
                     segment.ended ? base::format_time(*segment.ended) : std::string("now"));
}

std::string line_of(const SegmentReport& report) {
  const std::string span = span_of(report.segment);
  switch (report.outcome) {
    case Outcome::kEqual:
      return fmt::format("equal       {}: {} rounds, {} decisions", span, report.rounds, report.decisions);
    case Outcome::kDifferent:
      return fmt::format("DIFFERENT   {}: after {} equal rounds, {}", span, report.rounds,
                         report.first_difference);
    case Outcome::kOtherRevision:
      return fmt::format(
          "skipped     {}: engine revision {}, events {}; this program is revision {}, events {}", span,
          report.segment.engine_revision, report.segment.event_version, ledger::kEngineRevision,
          model::kEventVersion);
    case Outcome::kUnreadable:
      return fmt::format("UNREADABLE  {}: {}", span, report.first_difference);
  }
  return {};
}

std::string text_of(const VerifyReport& report) {
  std::string out;
  for (const std::string& damage : report.damage) out += "DAMAGED     " + damage + '\n';
  if (report.more_damage > 0) out += fmt::format("            and {} more\n", report.more_damage);
  if (report.damage.empty()) {
    out += fmt::format(
        "unaltered   {} transactions: {} rounds, {} documents, {} history entries, {} usage samples{}\n",
        report.batches, report.rounds, report.documents, report.history, report.usage,
        report.retained ? "; older rows were deleted by retention" : "");
  }
  for (const SegmentReport& segment : report.segments) out += line_of(segment) + '\n';
  if (!report.newest_hash.empty()) out += "newest hash " + report.newest_hash + '\n';
  out += report.good() ? "The ledger is as it was written, and every decision came out the same.\n"
                       : "The ledger does not verify; docs/ledger.md says what to do.\n";
  return out;
}

int print_report(const LedgerVerifyOptions& options, const VerifyReport& report,
                 const Environment& environment) {
  environment.out << (options.output == LedgerVerifyOptions::Output::kJson ? ledger::to_json(report, 2) + '\n'
                                                                           : text_of(report));
  return report.good() ? kExitOk : kExitFailed;
}

void print_progress(const Environment& environment, std::int64_t done, std::int64_t total) {
  environment.err << fmt::format("\rverifying {:3} %", total > 0 ? done * 100 / total : 100) << std::flush;
}

// Lines of JSON: {"done", "total"} now and then, and at the end {"report"} or {"error"}.
class VerifyLines {
 public:
  explicit VerifyLines(const Environment& environment) : environment_(environment) {}

  bool take(std::string_view bytes) {
    text_ += bytes;
    for (std::size_t end = text_.find('\n'); end != std::string::npos; end = text_.find('\n')) {
      last_ = text_.substr(0, end);
      text_.erase(0, end + 1);
      const auto line = Document::parse(last_);
      if (line && environment_.err_is_terminal && !at((*line)->root(), "total").is_null())
        print_progress(environment_, integer_at((*line)->root(), "done"),
                       integer_at((*line)->root(), "total"));
    }
    return true;
  }
  const std::string& last() const { return last_; }
  /// What is no line yet: the text of a refusal.
  const std::string& rest() const { return text_; }

 private:
  const Environment& environment_;
  std::string text_;
  std::string last_;
};

int verify_on_server(const LedgerVerifyOptions& options, const Environment& environment) {
  int code = kExitOk;
  const auto client = ApiClient::open(environment, options.client, code);
  if (client == nullptr) return code;
  VerifyLines lines(environment);
  ApiClient::Request request;
  request.method = "POST";
  request.path = "/api/v1/ledger/verify";
  request.on_bytes = [&](std::string_view bytes) { return lines.take(bytes); };
  auto response = client->send(request, code);
  if (environment.err_is_terminal) environment.err << "\r\x1b[K" << std::flush;
  if (!response) return code;
  if (response->status >= 400) {
    response->body = lines.last() + lines.rest();
    return client->tell_problem(*response);
  }
  const auto last = Document::parse(lines.last());
  const base::JsonValue* report = last ? (*last)->root().find("report") : nullptr;
  if (report != nullptr) return print_report(options, ledger::verify_report_from(*report), environment);
  const std::string why = last ? text_at((*last)->root(), "error") : std::string();
  environment.err << "fairlead: " << (why.empty() ? "the server ended before the outcome" : printable(why))
                  << '\n';
  return kExitFailed;
}

// Whether the server that commands talk to is one that only its API reaches.
bool asks_a_server(const LedgerVerifyOptions& options, const Environment& environment) {
  if (!options.state.empty()) return false;
  if (!options.client.server.empty()) return true;
  if (!environment.variable) return false;
  const auto context = choose_context(environment, {});
  return context && context->socket.empty() && !context->server.empty();
}

int fail(const Environment& environment, const base::Error& error) {
  environment.err << "fairlead: " << error.message() << '\n';
  return kExitFailed;
}

Command verify_command() {
  using Output = LedgerVerifyOptions::Output;
  auto options = std::make_shared<LedgerVerifyOptions>();
  Command command;
  command.name = "verify";
  command.description = "Check that the ledger is as it was written, and decide every round again";
  command.more =
      "Each row's hash is worked out again, and each segment is replayed through the engine and compared, "
      "decision by decision.\nReads only, and may run while the platform does. A server on another machine "
      "does "
      "it itself. Exit code 0: everything is equal; 1: something is not, or cannot be read.";
  command.examples =
      "  fairlead ledger verify\n"
      "  fairlead ledger verify --state /var/lib/fairlead -o json\n"
      "  fairlead ledger verify --state backup.db\n"
      "  fairlead ledger verify --server https://pool.example.org";
  command.option("--state", options->state, "DIR|FILE", "The state folder, or the database [this account's]")
      .takes_path = true;
  add_client_options(command, options->client);
  command.choice<Output>("-o,--output", options->output, {{"text", Output::kText}, {"json", Output::kJson}},
                         "How the outcome is printed [text]");
  command.run = [options](const Environment& environment) {
    return run_ledger_verify(*options, environment);
  };
  return command;
}

Command export_command() {
  auto options = std::make_shared<LedgerExportOptions>();
  Command command;
  command.name = "export";
  command.description = "Print what the scheduler knew at an instant, as objects and a state";
  command.more =
      "The document has the Kubernetes and KAI objects of that instant, and a state with what they cannot "
      "say: "
      "usage, nominations,\nback-offs, exact values. fairlead plan --cycle decides on it what was decided "
      "then. "
      "At the instant of a round its events are\nin the document and its decisions are not.";
  command.examples =
      "  fairlead ledger export --at 2026-01-31T09:00:00Z > then.json\n"
      "  fairlead ledger export --at 10m | fairlead plan --cycle";
  command.option("--at", options->at, "TIME|AGO", "The instant [now]");
  command.option("--state", options->state, "DIR|FILE", "The state folder, or the database [this account's]")
      .takes_path = true;
  command.run = [options](const Environment& environment) {
    return run_ledger_export(*options, environment);
  };
  return command;
}

Command backup_command() {
  auto options = std::make_shared<LedgerCopyOptions>();
  Command command;
  command.name = "backup";
  command.description = "Copy the ledger as it is now, also while the platform runs";
  command.more =
      "Keep secret.key of the state folder with the copy: without it stored secrets cannot be read.";
  command.examples = "  fairlead ledger backup /backup/fairlead.db";
  Option& to =
      command.argument("file", options->to, "FILE", "Where the copy goes; a file that is not there yet");
  to.required = true;
  to.takes_path = true;
  command.option("--state", options->state, "DIR|FILE", "The state folder, or the database [this account's]")
      .takes_path = true;
  command.run = [options](const Environment& environment) {
    return run_ledger_backup(*options, environment);
  };
  return command;
}

Command salvage_command() {
  auto options = std::make_shared<LedgerCopyOptions>();
  Command command;
  command.name = "salvage";
  command.description = "Make a new ledger of what a damaged one still has";
  command.more =
      "Takes the documents that are as they were written, and the history and usage that can be read. Rounds "
      "are left "
      "behind.\nThe damaged ledger is only read. Restore a backup rather, where there is one "
      "(docs/ledger.md).";
  command.examples = "  fairlead ledger salvage --state damaged.db fairlead.db";
  Option& to = command.argument("file", options->to, "FILE", "The new ledger; a file that is not there yet");
  to.required = true;
  to.takes_path = true;
  command.option("--state", options->state, "DIR|FILE", "The state folder, or the database [this account's]")
      .takes_path = true;
  command.run = [options](const Environment& environment) {
    return run_ledger_salvage(*options, environment);
  };
  return command;
}

}  // namespace

base::Result<std::string> ledger_path(const std::string& state, const Environment& environment) {
  const std::string path = state.empty() ? environment.state_folder : state;
  if (path.empty()) return base::invalid_argument("it is not known where the state lies; write --state DIR");
  std::error_code ignored;
  const bool folder = std::filesystem::is_directory(path, ignored);
  return folder || state.empty() ? path + "/fairlead.db" : path;
}

int run_ledger_verify(const LedgerVerifyOptions& options, const Environment& environment) {
  if (asks_a_server(options, environment)) return verify_on_server(options, environment);
  const auto path = ledger_path(options.state, environment);
  if (!path) return fail(environment, path.error());
  ledger::VerifyOptions verifying{environment.make_scheduler, {}, {}};
  if (environment.err_is_terminal) {
    verifying.progress = [&environment](std::int64_t done, std::int64_t total) {
      print_progress(environment, done, total);
    };
  }
  const auto report = ledger::verify(*path, verifying);
  if (environment.err_is_terminal) environment.err << "\r\x1b[K" << std::flush;
  if (!report) return fail(environment, report.error());
  return print_report(options, *report, environment);
}

int run_ledger_export(const LedgerExportOptions& options, const Environment& environment) {
  const base::Time now = environment.now();
  const auto at = options.at.empty() ? base::Result<base::Time>(now) : instant_or_ago(options.at, now);
  if (!at) {
    environment.err << "fairlead: --at: " << at.error().message() << '\n';
    return kExitUsage;
  }
  const auto path = ledger_path(options.state, environment);
  if (!path) return fail(environment, path.error());
  auto state = ledger::state_at(*path, *at, environment.make_scheduler);
  if (!state) return fail(environment, state.error());
  manifest::CycleDocument document;
  document.now = state->now;
  if (state->configuration) document.configuration = *state->configuration;
  document.objects = manifest::objects_of(state->truth);
  if (state->round) document.state.limits = state->round->request;
  document.state.usage = std::move(state->usage);
  document.state.assumptions = std::move(state->assumptions);
  environment.out << manifest::write_cycle(document, 2) << '\n';
  return kExitOk;
}

int run_ledger_backup(const LedgerCopyOptions& options, const Environment& environment) {
  const auto path = ledger_path(options.state, environment);
  if (!path) return fail(environment, path.error());
  if (const auto done = ledger::back_up(*path, options.to); !done) return fail(environment, done.error());
  environment.out << "The ledger is copied to " << options.to << ".\n";
  return kExitOk;
}

int run_ledger_salvage(const LedgerCopyOptions& options, const Environment& environment) {
  const auto path = ledger_path(options.state, environment);
  if (!path) return fail(environment, path.error());
  const auto report = ledger::salvage(*path, options.to);
  if (!report) return fail(environment, report.error());
  for (const std::string& lost : report->lost) environment.out << "lost        " << lost << '\n';
  environment.out << fmt::format("{} has {} documents, {} history entries and {} usage samples.\n",
                                 options.to, report->documents, report->history, report->usage);
  return kExitOk;
}

Command ledger_command() {
  Command command;
  command.name = "ledger";
  command.description = "Check, export, copy and mend the durable record of a platform";
  command.examples = "  fairlead ledger verify";
  command.commands.push_back(verify_command());
  command.commands.push_back(export_command());
  command.commands.push_back(backup_command());
  command.commands.push_back(salvage_command());
  return command;
}

}  // namespace fairlead::cli
