#pragma once

#include "base/time.h"
#include "net/http_server.h"

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::server {

/// What holds a browser's pass to one port of a workspace, at the host of that port only.
inline constexpr std::string_view kWorkspaceCookie = "fairlead_workspace";
/// How long a ticket waits to be used.
inline constexpr base::Duration kTicketTime = base::Duration::seconds(60);
inline constexpr base::Duration kPassTime = base::Duration::seconds(24 * 3600);

/// Takes a browser that is signed in to the platform over to the pages of a workspace, which live at a host
/// of their own. A ticket, carried once in a URL, becomes a pass, kept in a cookie. Both are for one audience
/// (a port of a workspace), stand for the session with which they were made, and open nothing of the
/// platform. They are signed with a key of this process: after a restart the browser is taken over anew.
/// Thread: any.
class WorkspacePasses {
 public:
  explicit WorkspacePasses(std::function<base::Time()> now);

  /// `session`: id of the token that the browser is signed in with.
  std::string ticket(std::string_view session, std::string_view audience) const;
  /// The pass for a ticket, which is used up. None: it is not valid for this audience, or not any more.
  std::optional<std::string> redeem(std::string_view ticket, std::string_view audience);
  /// The session behind a pass. None likewise.
  std::optional<std::string> session_of(std::string_view pass, std::string_view audience) const;

 private:
  struct Claim {
    base::Time until;
    std::string session;
    std::string signature;
  };
  std::string make(std::string_view use, std::string_view session, std::string_view audience,
                   base::Duration lifetime) const;
  std::optional<Claim> read(std::string_view text, std::string_view use, std::string_view audience) const;
  std::string sign(std::string_view text) const;

  const std::function<base::Time()> now_;
  const std::string key_;
  std::mutex mutex_;                        // guards what follows
  std::map<std::string, base::Time> used_;  // signatures of tickets, until they would have ended anyway
};

/// Whether a request was sent by a page of another origin, other than by going to this one.
bool is_from_another_page(const net::HttpRequest& request);

}  // namespace fairlead::server
