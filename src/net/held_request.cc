#include "net/held_request.h"

#include "net/answer_head.h"
#include "net/connection.h"

namespace fairlead::net {
namespace {

void post_refusal(EventLoop& loop, std::weak_ptr<Connection> connection, HttpResponse response) {
  loop.post([connection = std::move(connection), response = std::move(response)]() mutable {
    if (const auto alive = connection.lock()) alive->proxy_refused(std::move(response));
  });
}

}  // namespace

HeldRequest::~HeldRequest() {
  if (decided_) return;
  HttpResponse response = problem(503, "the platform gave the request up");
  response.headers.emplace_back("Retry-After", "1");
  post_refusal(*loop_, connection_, std::move(response));
}

void HeldRequest::answer(ProxyTarget target) {
  if (decided_.exchange(true)) {
    if (target.on_done) target.on_done(0, 0, {});
    return;
  }
  loop_->post([connection = connection_, target = std::move(target)]() mutable {
    if (const auto alive = connection.lock()) {
      alive->proxy_to(std::move(target));
    } else if (target.on_done) {
      target.on_done(0, 0, {});
    }
  });
}

void HeldRequest::refuse(ProxyRefusal refusal) {
  if (decided_.exchange(true)) return;
  post_refusal(*loop_, connection_, std::move(refusal.response));
}

}  // namespace fairlead::net
