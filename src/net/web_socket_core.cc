#include "net/web_socket_core.h"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <array>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>

namespace fairlead::net {

// What Beast asks of a stream, over a channel.
class BeastChannel {
 public:
  using executor_type = Executor;

  BeastChannel(std::shared_ptr<EventLoop> loop, Channel channel, std::string already_read)
      : loop_(std::move(loop)), channel_(std::move(channel)), already_read_(std::move(already_read)) {}

  executor_type get_executor() { return loop_->context().get_executor(); }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return asio::async_initiate<Token, void(error_code, std::size_t)>(
        [this](auto handler, asio::mutable_buffer buffer) { read(buffer, std::move(handler)); }, token,
        first<asio::mutable_buffer>(buffers));
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return asio::async_initiate<Token, void(error_code, std::size_t)>(
        [this](auto handler, asio::const_buffer buffer) {
          ++open_;
          channel_.write_some(buffer, counted(std::move(handler)));
        },
        token, first<asio::const_buffer>(buffers));
  }
  // The blocking calls exist for templates that name them; nobody makes them.
  template <class Buffers>
  std::size_t read_some(const Buffers&, error_code& error) {
    error = asio::error::operation_not_supported;
    return 0;
  }
  template <class Buffers>
  std::size_t write_some(const Buffers&, error_code& error) {
    error = asio::error::operation_not_supported;
    return 0;
  }

  void close() { channel_.close(); }
  /// Says that nothing more comes and waits for the same from the other end: closed at once, with bytes
  /// unread, the farewell would be lost on its way.
  void drain(MoveFunction<void()> done) {
    channel_.shutdown_write();
    drain_on(std::make_shared<MoveFunction<void()>>(std::move(done)));
  }
  /// Whether a read or write is open, which needs this channel until it ends.
  bool busy() const { return open_ > 0; }

 private:
  template <class Buffer, class Buffers>
  static Buffer first(const Buffers& buffers) {
    for (auto at = asio::buffer_sequence_begin(buffers); at != asio::buffer_sequence_end(buffers); ++at) {
      const Buffer buffer(*at);
      if (buffer.size() > 0) return buffer;
    }
    return {};
  }

  void read(asio::mutable_buffer buffer, Channel::Done done) {
    ++open_;
    if (already_read_.empty()) return channel_.read_some(buffer, counted(std::move(done)));
    const std::size_t size = std::min(buffer.size(), already_read_.size());
    std::memcpy(buffer.data(), already_read_.data(), size);
    already_read_.erase(0, size);
    loop_->post([done = counted(std::move(done)), size]() mutable { done({}, size); });
  }

  void drain_on(const std::shared_ptr<MoveFunction<void()>>& done) {
    ++open_;
    channel_.read_some(asio::buffer(rest_), counted([this, done](const error_code& error, std::size_t) {
                         if (!error) return drain_on(done);
                         (*done)();
                       }));
  }

  Channel::Done counted(Channel::Done done) {
    return [this, done = std::move(done)](const error_code& error, std::size_t bytes) mutable {
      --open_;
      done(error, bytes);
    };
  }

  std::shared_ptr<EventLoop> loop_;
  Channel channel_;
  std::string already_read_;
  int open_ = 0;
  std::array<char, 1024> rest_;
};

// Found by Beast through the namespace of the stream.
void beast_close_socket(BeastChannel& channel) { channel.close(); }
void teardown(boost::beast::role_type, BeastChannel& channel, error_code& error) {
  channel.close();
  error = {};
}
template <class Handler>
void async_teardown(boost::beast::role_type, BeastChannel& channel, Handler&& handler) {
  channel.drain([handler = std::forward<Handler>(handler)]() mutable { handler(error_code{}); });
}

namespace {

namespace websocket = boost::beast::websocket;
namespace http = boost::beast::http;

class BeastWebSocket final : public WebSocketCore, public std::enable_shared_from_this<BeastWebSocket> {
 public:
  BeastWebSocket(std::shared_ptr<EventLoop> loop, Limits limits) : loop_(std::move(loop)), limits_(limits) {}

  void accept(Channel channel, std::string already_read, const HttpRequest& request, Events events) override {
    begin(std::move(channel), std::move(already_read), std::move(events), boost::beast::role_type::server);
    http::request<http::empty_body> handshake;
    handshake.version(11);
    handshake.method_string(request.method);
    handshake.target(request.target);
    for (const auto& [name, value] : request.headers) handshake.insert(name, value);
    stream_->async_accept(handshake, [self = shared_from_this()](const error_code& error) {
      if (error) return self->finish(1006, error.message());
      self->open();
    });
  }

  void connect(Channel channel, const std::string& host, const std::string& target, Headers headers,
               Events events, std::function<void(const Refusal*)> connected) override {
    begin(std::move(channel), {}, std::move(events), boost::beast::role_type::client);
    stream_->set_option(websocket::stream_base::decorator([headers](websocket::request_type& request) {
      for (const auto& [name, value] : headers) request.set(name, value);
    }));
    stream_->async_handshake(
        answer_, host, target, [self = shared_from_this(), connected](const error_code& error) {
          if (error) {
            Refusal refusal{0, error.message()};
            if (error == websocket::error::upgrade_declined) {
              refusal = {static_cast<int>(self->answer_.result_int()), self->answer_.body()};
            }
            connected(&refusal);
            return self->finish(1006, error.message());
          }
          connected(nullptr);
          self->open();
        });
  }

  void read_next() override {
    if (!stream_ || ended_) return;
    stream_->async_read(input_, [self = shared_from_this()](const error_code& error, std::size_t) {
      if (!self->stream_) return;
      if (error) {
        const websocket::close_reason& reason = self->stream_->reason();
        if (error == websocket::error::closed)
          return self->finish(reason.code, std::string(reason.reason.data(), reason.reason.size()));
        return self->finish(error == websocket::error::message_too_big ? 1009 : 1006, error.message());
      }
      std::string bytes(static_cast<const char*>(self->input_.data().data()), self->input_.size());
      self->input_.clear();
      if (self->events_.on_message) self->events_.on_message(std::move(bytes), self->stream_->got_binary());
    });
  }

  void cut() override { finish(1006, "cut off"); }

  bool send(std::string_view bytes, bool binary) override {
    bool call = false;
    {
      const std::lock_guard lock(mutex_);
      if (closed_ || close_ || waiting_bytes_ >= limits_.waiting_bytes) return false;
      waiting_.push_back({std::string(bytes), binary});
      waiting_bytes_ += bytes.size();
      call = !std::exchange(called_, true);
    }
    if (call) call_pump();
    return true;
  }

  void close(std::uint16_t code, std::string_view reason) override {
    {
      const std::lock_guard lock(mutex_);
      if (closed_ || close_) return;
      // A frame of control holds 125 bytes.
      const boost::beast::string_view text(reason.data(), std::min<std::size_t>(reason.size(), 120));
      close_ = websocket::close_reason(static_cast<websocket::close_code>(code), text);
      called_ = true;
    }
    call_pump();
  }

  void on_room(std::function<void()> function) override {
    {
      const std::lock_guard lock(mutex_);
      if (!closed_ && waiting_bytes_ >= limits_.waiting_bytes) {
        on_room_ = std::move(function);
        return;
      }
    }
    function();
  }

  bool closed() const override {
    const std::lock_guard lock(mutex_);
    return closed_;
  }

 private:
  struct Message {
    std::string bytes;
    bool binary = false;
  };

  void begin(Channel channel, std::string already_read, Events events, boost::beast::role_type role) {
    events_ = std::move(events);
    stream_.emplace(loop_, std::move(channel), std::move(already_read));
    // Within half a minute for greeting and farewell; a ping where nothing comes for so long.
    auto timeouts = websocket::stream_base::timeout::suggested(role);
    timeouts.keep_alive_pings = true;
    timeouts.idle_timeout = std::chrono::seconds(60);
    stream_->set_option(timeouts);
    stream_->read_message_max(limits_.message_bytes);
  }

  void open() {
    open_ = true;
    read_next();
    pump();
  }

  void call_pump() {
    loop_->post([self = shared_from_this()] { self->pump(); });
  }

  // Sends the next message, or the farewell.
  void pump() {
    if (!open_ || writing_ || ended_) return;
    std::optional<websocket::close_reason> farewell;
    {
      const std::lock_guard lock(mutex_);
      if (!waiting_.empty()) {
        output_ = std::move(waiting_.front());
        waiting_.pop_front();
      } else if (close_) {
        farewell = close_;
      } else {
        called_ = false;
        return;
      }
    }
    writing_ = true;
    if (farewell) {
      stream_->async_close(*farewell, [self = shared_from_this(), code = farewell->code](const error_code&) {
        self->finish(code, {});
      });
      return;
    }
    stream_->binary(output_.binary);
    stream_->async_write(asio::buffer(output_.bytes),
                         [self = shared_from_this()](const error_code& error, std::size_t) {
                           self->writing_ = false;
                           if (error) return self->finish(1006, error.message());
                           self->written();
                           self->pump();
                         });
  }

  void written() {
    std::function<void()> room;
    {
      const std::lock_guard lock(mutex_);
      waiting_bytes_ -= output_.bytes.size();
      if (waiting_bytes_ < limits_.waiting_bytes) room = std::exchange(on_room_, nullptr);
    }
    if (room) room();
  }

  // Frees the stream, whose timers would keep the loop waiting, once nothing is open on it.
  void release() {
    loop_->post([self = shared_from_this()] {
      if (self->stream_ && self->stream_->next_layer().busy()) return self->release();
      self->stream_.reset();
    });
  }

  void finish(std::uint16_t code, std::string reason) {
    if (std::exchange(ended_, true)) return;
    std::function<void()> room;
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
      waiting_.clear();
      room = std::exchange(on_room_, nullptr);
    }
    if (stream_) {
      stream_->next_layer().close();
      release();
    }
    const Events events = std::exchange(events_, {});
    if (events.on_end) events.on_end(code, std::move(reason));
    if (room) room();
  }

  const std::shared_ptr<EventLoop> loop_;
  const Limits limits_;
  // On the loop:
  Events events_;
  std::optional<websocket::stream<BeastChannel>> stream_;
  websocket::response_type answer_;
  boost::beast::flat_buffer input_;
  Message output_;
  bool open_ = false;
  bool writing_ = false;
  bool ended_ = false;

  mutable std::mutex mutex_;  // guards all below
  std::deque<Message> waiting_;
  std::size_t waiting_bytes_ = 0;
  bool called_ = false;  // the loop was asked to pump
  bool closed_ = false;
  std::optional<websocket::close_reason> close_;
  std::function<void()> on_room_;
};

}  // namespace

std::shared_ptr<WebSocketCore> WebSocketCore::make(std::shared_ptr<EventLoop> loop, Limits limits) {
  return std::make_shared<BeastWebSocket>(std::move(loop), limits);
}

}  // namespace fairlead::net
