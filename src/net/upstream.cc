#include "net/upstream.h"

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace fairlead::net {

void Upstream::connect(const std::string& address, std::uint16_t port, Written done) {
  error_code error;
  const auto parsed = asio::ip::make_address(address, error);
  if (error) return done(error);
  socket_.async_connect(
      asio::ip::tcp::endpoint(parsed, port),
      [self = shared_from_this(), done = std::move(done)](const error_code& failed) mutable {
        if (!failed) {
          const int on = 1;
          setsockopt(self->socket_.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        }
        done(failed);
      });
}

void Upstream::read(Read done) {
  on_read_ = std::move(done);
  if (reading_ || closed_) return;
  reading_ = true;
  socket_.async_read_some(asio::buffer(block_),
                          [self = shared_from_this()](const error_code& error, std::size_t bytes) {
                            self->reading_ = false;
                            if (self->closed_ || !self->on_read_) return;
                            // The function may ask for the next read.
                            auto done = std::exchange(self->on_read_, {});
                            done(error, {self->block_.data(), bytes});
                          });
}

void Upstream::write(std::string bytes, Written done) {
  output_ = std::move(bytes);
  output_done_ = 0;
  written_ = std::move(done);
  write_on();
}

void Upstream::write_on() {
  socket_.async_write_some(asio::buffer(output_.data() + output_done_, output_.size() - output_done_),
                           [self = shared_from_this()](const error_code& error, std::size_t bytes) {
                             if (self->closed_) return;
                             self->output_done_ += bytes;
                             if (!error && self->output_done_ < self->output_.size()) return self->write_on();
                             self->output_.clear();
                             auto done = std::exchange(self->written_, {});
                             done(error);
                           });
}

void Upstream::close() {
  if (std::exchange(closed_, true)) return;
  error_code ignored;
  socket_.close(ignored);
  on_read_ = {};
  written_ = {};
}

std::shared_ptr<Upstream> UpstreamPool::take(const std::string& key) {
  const auto found = idle_.find(key);
  if (found == idle_.end()) return nullptr;
  auto upstream = std::move(found->second.back());
  found->second.pop_back();
  if (found->second.empty()) idle_.erase(found);
  return upstream;
}

void UpstreamPool::give(const std::string& key, std::shared_ptr<Upstream> upstream) {
  auto& list = idle_[key];
  if (closed_ || list.size() >= max_idle_) {
    if (list.empty()) idle_.erase(key);
    return upstream->close();
  }
  list.push_back(upstream);
  // Whatever comes now was not asked for: mostly the end, when the other side is tired of waiting.
  upstream->read([weak = weak_from_this(), key, raw = upstream.get()](const error_code&, std::string_view) {
    const auto kept = raw->shared_from_this();
    if (const auto self = weak.lock()) {
      const auto found = self->idle_.find(key);
      if (found != self->idle_.end()) {
        found->second.remove(kept);
        if (found->second.empty()) self->idle_.erase(found);
      }
    }
    kept->close();
  });
}

void UpstreamPool::clear() {
  closed_ = true;
  for (auto& [key, list] : idle_) {
    for (const auto& upstream : list) upstream->close();
  }
  idle_.clear();
}

}  // namespace fairlead::net
