#include "kube/object_list.h"

#include "base/json_fields.h"
#include "net/url.h"

#include <fmt/format.h>

#include <future>

namespace fairlead::kube {
namespace {

constexpr int kTries = 4;
constexpr auto kPageTimeout = base::Duration::seconds(60);

struct Page {
  std::string next;
  std::string version;
};

base::Error broken() { return base::Error(base::Code::kUnavailable, "the server's list is not JSON"); }

base::Result<void> read_items(base::JsonScanner& scanner, base::JsonReader& reader,
                              const std::function<void(const base::JsonValue& object)>& on_item) {
  scanner.skip_space();
  while (!scanner.at_end() && scanner.peek() != ']') {
    const auto item = scanner.value();
    if (!item) return item.error();
    const auto value = reader.read(*item, scanner.bytes_after(*item));
    if (!value) return value.error();
    on_item(**value);
    scanner.skip_space();
    if (!scanner.take(',')) break;
    scanner.skip_space();
  }
  if (!scanner.take(']')) return broken();
  return {};
}

/// Reads a page. `on_metadata` is called as soon as it is known where the next page begins, which API servers
/// say in front of the items.
base::Result<Page> read_page(std::string_view body, base::JsonReader& reader,
                             const std::function<void(const base::JsonValue& object)>& on_item,
                             const std::function<void(const Page& page)>& on_metadata) {
  Page page;
  base::JsonScanner scanner(body);
  scanner.skip_space();
  if (!scanner.take('{')) return broken();
  scanner.skip_space();
  while (scanner.peek() == '"') {
    const auto key = scanner.key();
    if (!key) return key.error();
    scanner.skip_space();
    if (*key == "items" && scanner.take('[')) {
      auto items = read_items(scanner, reader, on_item);
      if (!items) return items.error();
    } else {
      const auto value = scanner.value();
      if (!value) return value.error();
      if (*key == "metadata") {
        const auto metadata = reader.read(*value, scanner.bytes_after(*value));
        if (!metadata) return metadata.error();
        page.version = base::text_field(**metadata, "resourceVersion");
        page.next = base::text_field(**metadata, "continue");
        on_metadata(page);
      }
    }
    scanner.skip_space();
    if (!scanner.take(',')) break;
    scanner.skip_space();
  }
  if (!scanner.take('}')) return broken();
  return page;
}

}  // namespace

base::Result<std::string> list_objects(ApiClient& client, const ListRequest& request,
                                       base::JsonReader& reader,
                                       const std::function<void(const base::JsonValue& object)>& on_item,
                                       const std::function<base::Result<void>()>& on_page) {
  const auto fetch = [&](const std::string& from) {
    ApiCall call;
    call.path = fmt::format("{}?limit={}{}", request.path, request.page, request.filter);
    if (!from.empty()) call.path += "&continue=" + net::percent_encode(from);
    call.accept = request.accept;
    call.timeout = kPageTimeout;
    call.stop = request.stop;
    return client.call_again(call, kTries);
  };
  auto answer = fetch({});
  while (true) {
    if (!answer) return answer.error();
    if (!answer->ok()) return refusal(*answer);
    // The server works on the next page while this one is taken apart. The client is the other thread's until
    // that is here.
    std::future<base::Result<ApiAnswer>> ahead;
    auto page = read_page(answer->body, reader, on_item, [&](const Page& head) {
      if (!head.next.empty()) ahead = std::async(std::launch::async, fetch, head.next);
    });
    if (!page) return page.error();
    auto done = on_page();
    if (!done) return done.error();
    if (!ahead.valid()) return page->version;
    answer = ahead.get();
  }
}

}  // namespace fairlead::kube
