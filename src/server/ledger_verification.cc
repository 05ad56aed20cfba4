#include "server/ledger_verification.h"

#include "base/json_writer.h"
#include "ledger/verify.h"
#include "ledger/verify_json.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <utility>

namespace fairlead::server {

LedgerVerification::~LedgerVerification() {
  stopping_ = true;
  const std::lock_guard lock(mutex_);
  if (thread_.joinable()) thread_.join();
}

base::Result<net::HttpResponse> LedgerVerification::begin() {
  if (!make_scheduler_)
    return base::Error(base::Code::kUnimplemented, "this server cannot verify its ledger");
  if (busy_.exchange(true))
    return base::Error(base::Code::kFailedPrecondition,
                       "the ledger is being verified already; wait until that is done");
  net::HttpResponse response;
  response.content_type = "application/x-ndjson";
  // Should the stream never be asked for, the next may begin.
  const std::shared_ptr<void> claim(nullptr, [this](void*) { busy_ = false; });
  response.stream = [this, claim](std::shared_ptr<net::BodyStream> out) {
    const std::lock_guard lock(mutex_);
    if (thread_.joinable()) thread_.join();  // of the one before, which has ended
    thread_ = std::thread([this, claim, out = std::move(out)] { run(out); });
  };
  return response;
}

void LedgerVerification::run(const std::shared_ptr<net::BodyStream>& out) {
  constexpr int kYielding = 10;
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kYielding);  // of this thread only
  ledger::VerifyOptions options;
  options.make_scheduler = make_scheduler_;
  options.keep_going = [&] { return !stopping_ && !out->closed(); };
  options.progress = [&](std::int64_t done, std::int64_t total) {
    // A reader that is slow misses some of these.
    (void)out->write(fmt::format("{{\"done\":{},\"total\":{}}}\n", done, total));
  };
  const auto report = ledger::verify(path_, options);
  std::string line;
  base::JsonWriter json(line);
  json.begin_object();
  if (report) {
    json.key("report");
    json.raw(ledger::to_json(*report));
  } else {
    json.member("error", report.error().message());
  }
  json.end_object();
  (void)out->write(line + '\n');
  out->end();
}

}  // namespace fairlead::server
