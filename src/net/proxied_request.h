#pragma once

#include "net/event_loop.h"
#include "net/http_server.h"
#include "net/message_parser.h"
#include "net/upstream.h"

#include <memory>
#include <string>

namespace fairlead::net {

class Connection;

/// One request on its way through: from the client's connection to an upstream, and the answer back. Each
/// side is read only as fast as the other takes; nothing is held but the piece on its way. Ends by calling
/// the connection, and `ProxyTarget::on_done`, once.
class ProxiedRequest : public std::enable_shared_from_this<ProxiedRequest> {
 public:
  ProxiedRequest(std::shared_ptr<Connection> connection, std::shared_ptr<EventLoop> loop,
                 std::shared_ptr<UpstreamPool> pool, ProxyTarget target);

  void start();
  /// The connection has more bytes of the client, or room for them.
  void on_client_input();
  /// The client went away, or was too slow: everything stops.
  void cancel();
  bool head_sent() const { return head_sent_; }

 private:
  void use(std::shared_ptr<Upstream> upstream);
  void on_connected(const error_code& error);
  std::string request_head() const;
  void pump_request();
  void read_answer();
  void on_answer_bytes(const error_code& error, std::string_view bytes);
  void parse_answer();
  std::string answer_head();
  void on_answer_end();
  void fail(int status, const std::string& why);
  void finish();
  void pump_tunnel();
  void end(int status);
  void expect_within(base::Duration limit);

  const std::shared_ptr<EventLoop> loop_;
  const std::shared_ptr<UpstreamPool> pool_;
  std::shared_ptr<Connection> connection_;  // null once over
  ProxyTarget target_;
  const std::string key_;
  Deadline deadline_;
  SteadyClock::time_point started_;
  base::Duration first_byte_;

  std::shared_ptr<Upstream> upstream_;
  bool reused_ = false;
  bool connected_ = false;
  bool writing_request_ = false;
  bool request_done_ = false;
  bool body_used_ = false;  // bytes of the body were taken, so that they cannot be sent again

  std::unique_ptr<MessageParser> answer_;
  std::string answer_input_;
  bool answer_begun_ = false;  // a byte came
  bool head_sent_ = false;
  bool chunk_answer_ = false;
  int status_ = 0;
  std::uint64_t bytes_ = 0;
  bool tunnel_ = false;
};

}  // namespace fairlead::net
