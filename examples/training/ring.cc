#include "training/ring.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace training {
namespace {

constexpr int kPatienceMilliseconds = 300;  // for a neighbour while the ring is being formed
constexpr int kDeadMilliseconds = 20'000;   // for a neighbour that says nothing at all

sockaddr_in address_of(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int number_after(const std::string& text, const std::string& key, std::size_t from) {
  const std::size_t at = text.find("\"" + key + "\":", from);
  return at == std::string::npos ? -1 : std::atoi(text.c_str() + at + key.size() + 3);
}

std::uint64_t digest(const std::vector<Member>& members) {
  std::uint64_t hash = 1469598103934665603U;
  for (const Member& member : members)
    for (const int part : {member.index, member.port})
      hash = (hash ^ static_cast<std::uint64_t>(part)) * 1099511628211U;
  return hash;
}

bool receive(int socket, void* into, std::size_t size, int patience) {
  auto* at = static_cast<char*>(into);
  while (size > 0) {
    pollfd watched{socket, POLLIN, 0};
    if (poll(&watched, 1, patience) <= 0) return false;
    const ssize_t got = recv(socket, at, size, 0);
    if (got <= 0) return false;
    at += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

}  // namespace

std::vector<Member> read_members(const std::string& file) {
  std::ifstream stream(file);
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  std::vector<Member> members;
  for (std::size_t at = text.find("\"index\":"); at != std::string::npos;
       at = text.find("\"index\":", at + 1))
    members.push_back({number_after(text, "index", at), number_after(text, "port", at)});
  std::sort(members.begin(), members.end(),
            [](const Member& a, const Member& b) { return a.index < b.index; });
  return members;
}

Ring::Ring(int index, int port) : index_(index) {
  listening_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  setsockopt(listening_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  const sockaddr_in address = address_of(port);
  if (bind(listening_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(listening_, 8) != 0)
    listening_ = -1;
}

Ring::~Ring() {
  close();
  if (listening_ >= 0) ::close(listening_);
}

void Ring::close() {
  for (int* socket : {&next_, &previous_}) {
    if (*socket >= 0) ::close(*socket);
    *socket = -1;
  }
}

bool Ring::form(const std::string& members_file, const std::function<bool()>& give_up) {
  while (!give_up()) {
    close();
    members_ = read_members(members_file);
    const auto self = std::find_if(members_.begin(), members_.end(),
                                   [&](const Member& one) { return one.index == index_; });
    if (self == members_.end()) {
      poll(nullptr, 0, kPatienceMilliseconds);
      continue;
    }
    position_ = static_cast<int>(self - members_.begin());
    if (members_.size() == 1) return true;
    const Member& next = members_[static_cast<std::size_t>(position_ + 1) % members_.size()];
    const sockaddr_in address = address_of(next.port);
    next_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(next_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      poll(nullptr, 0, kPatienceMilliseconds / 3);
      continue;
    }
    const int yes = 1;
    setsockopt(next_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    // Each tells the next one whom it thinks to be with; a ring stands when that is the same all around.
    const std::uint64_t mine = digest(members_);
    if (send(next_, &mine, sizeof(mine), MSG_NOSIGNAL) != sizeof(mine)) continue;
    pollfd watched{listening_, POLLIN, 0};
    bool joined = false;
    while (!joined && poll(&watched, 1, kPatienceMilliseconds) > 0) {
      if (previous_ >= 0) ::close(previous_);
      previous_ = accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
      std::uint64_t theirs = 0;
      joined = previous_ >= 0 && receive(previous_, &theirs, sizeof(theirs), kPatienceMilliseconds) &&
               theirs == mine;
    }
    if (!joined) continue;
    // A first sum, which only comes round when everybody has joined.
    std::vector<std::int64_t> ones(members_.size(), 1);
    if (all_reduce(ones) && ones.front() == size()) return true;
  }
  close();
  return false;
}

bool Ring::exchange(const std::int64_t* out, std::size_t out_count, std::int64_t* in, std::size_t in_count) {
  const auto* sending = reinterpret_cast<const char*>(out);
  auto* receiving = reinterpret_cast<char*>(in);
  std::size_t to_send = out_count * sizeof(*out);
  std::size_t to_receive = in_count * sizeof(*in);
  while (to_send > 0 || to_receive > 0) {
    std::array<pollfd, 2> watched = {
        {{to_send > 0 ? next_ : -1, POLLOUT, 0}, {to_receive > 0 ? previous_ : -1, POLLIN, 0}}};
    if (poll(watched.data(), watched.size(), kDeadMilliseconds) <= 0) return false;
    if (watched[0].revents != 0) {
      const ssize_t sent = send(next_, sending, to_send, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
      if (sent > 0) {
        sending += sent;
        to_send -= static_cast<std::size_t>(sent);
      }
    }
    if (watched[1].revents != 0) {
      const ssize_t got = recv(previous_, receiving, to_receive, MSG_DONTWAIT);
      if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return false;
      if (got > 0) {
        receiving += got;
        to_receive -= static_cast<std::size_t>(got);
      }
    }
  }
  return true;
}

bool Ring::all_reduce(std::vector<std::int64_t>& numbers) {
  const auto ranks = members_.size();
  if (ranks <= 1) return true;
  const auto begin = [&](std::size_t chunk) { return numbers.size() * (chunk % ranks) / ranks; };
  const auto count = [&](std::size_t chunk) {
    return numbers.size() * (chunk % ranks + 1) / ranks - numbers.size() * (chunk % ranks) / ranks;
  };
  const auto self = static_cast<std::size_t>(position_);
  std::vector<std::int64_t> incoming(numbers.size() / ranks + 1);
  for (std::size_t step = 0; step + 1 < ranks; ++step) {
    const std::size_t out = self + ranks - step;
    const std::size_t in = out + ranks - 1;
    if (!exchange(&numbers[begin(out)], count(out), incoming.data(), count(in))) return false;
    for (std::size_t i = 0; i < count(in); ++i) numbers[begin(in) + i] += incoming[i];
  }
  for (std::size_t step = 0; step + 1 < ranks; ++step) {
    const std::size_t out = self + 1 + ranks - step;
    const std::size_t in = out + ranks - 1;
    if (!exchange(&numbers[begin(out)], count(out), incoming.data(), count(in))) return false;
    for (std::size_t i = 0; i < count(in); ++i) numbers[begin(in) + i] = incoming[i];
  }
  return true;
}

}  // namespace training
