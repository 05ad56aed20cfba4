#include "base/json_reader.h"
#include "manifest/input_file.h"
#include "manifest/object_sink.h"
#include "manifest/yaml_reader.h"

#include <optional>
#include <vector>

namespace fairlead::manifest {
namespace {

/// A list that JSON text holds: what it says about its items, which come as they are met.
struct ListHeader {
  std::string_view kind;
  std::string_view version;
};

}  // namespace

class ObjectReader::Implementation : private YamlObjects {
 public:
  explicit Implementation(ReadOptions options) : sink_(std::move(options)) {
    reader_.skip_arrays_named("managedFields");
  }

  void read(std::string_view text, std::string_view source) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    place_ = {source};
    text_size_ = text.size();
    done_ = 0;
    base::JsonScanner scanner(text);
    scanner.skip_space();
    if (looks_like_json(scanner)) {
      read_json(scanner);
    } else {
      read_yaml(text);
    }
  }

  base::Result<void> read_file(const std::string& path, std::string_view source) {
    InputFile file;
    auto opened = file.open(path);
    if (!opened) return opened;
    file_ = &file;
    read(file.text(), source);
    file_ = nullptr;
    return {};
  }

  ClusterObjects finish() { return join(sink_.finish()); }

 private:
  /// YAML may begin with a brace too, but then no quoted name follows.
  static bool looks_like_json(base::JsonScanner scanner) {
    if (scanner.peek() == '[') return true;
    if (!scanner.take('{')) return false;
    scanner.skip_space();
    return scanner.peek() == '"' || scanner.peek() == '}' || scanner.at_end();
  }

  /// Documents one after the other, with nothing or a line of three dashes between them.
  void read_json(base::JsonScanner& scanner) {
    while (true) {
      scanner.skip_space();
      while (scanner.peek() == '-') scanner.take('-');
      scanner.skip_space();
      if (scanner.at_end()) return;
      ++place_.document;
      place_.item.reset();
      const bool done = scanner.peek() == '[' ? read_items(scanner, {}) : read_document(scanner);
      if (!done) return;
    }
  }

  bool fail(const base::Error& error) {
    sink_.unreadable(place_, error.message(), "correct the text, or write it with kubectl get -o json");
    return false;
  }

  /// One top-level object. A List is taken apart here, so that its items are read one by one.
  bool read_document(base::JsonScanner& scanner) {
    base::JsonScanner ahead = scanner;
    ListHeader header;
    bool is_list = false;
    if (ahead.take('{')) {
      ahead.skip_space();
      while (ahead.peek() == '"') {
        auto key = ahead.key();
        if (!key) return fail(key.error());
        ahead.skip_space();
        if (*key == "items" && ahead.peek() == '[') {
          is_list = true;
          if (header.kind.empty() && !first_item_has_kind(ahead)) look_for_kind(ahead, header);
          if (!read_items(ahead, header)) return false;
        } else {
          auto value = ahead.value();
          if (!value) return fail(value.error());
          if (*key == "kind") header.kind = unquoted(*value);
          if (*key == "apiVersion") header.version = unquoted(*value);
        }
        ahead.skip_space();
        if (!ahead.take(',')) break;
        ahead.skip_space();
      }
      if (is_list) {
        if (!ahead.take('}')) return fail(base::invalid_argument("not valid JSON: the list does not end"));
        scanner = ahead;
        return true;
      }
    }
    auto document = scanner.value();
    if (!document) return fail(document.error());
    read_object(*document, scanner.bytes_after(*document), {});
    return true;
  }

  /// Items that name their own kind need not know the List's; looking for that reads the whole text once
  /// more.
  static bool first_item_has_kind(base::JsonScanner list) {
    list.take('[');
    list.skip_space();
    if (!list.take('{')) return false;
    list.skip_space();
    while (list.peek() == '"') {
      const auto key = list.key();
      if (!key) return false;
      if (*key == "kind") return true;
      if (!list.value()) return false;
      list.skip_space();
      if (!list.take(',')) return false;
      list.skip_space();
    }
    return false;
  }

  /// kubectl writes a List's kind behind its items, an API server in front of them.
  static void look_for_kind(base::JsonScanner ahead, ListHeader& header) {
    if (!ahead.value()) return;
    ahead.skip_space();
    while (ahead.take(',')) {
      const auto key = ahead.key();
      if (!key) return;
      const auto value = ahead.value();
      if (!value) return;
      if (*key == "kind") header.kind = unquoted(*value);
      if (*key == "apiVersion") header.version = unquoted(*value);
      ahead.skip_space();
    }
  }

  static std::string_view unquoted(std::string_view text) {
    return text.size() >= 2 && text.front() == '"' ? text.substr(1, text.size() - 2) : std::string_view();
  }

  bool read_items(base::JsonScanner& scanner, const ListHeader& header) {
    scanner.take('[');
    scanner.skip_space();
    std::size_t index = 0;
    while (!scanner.at_end() && scanner.peek() != ']') {
      place_.item = index++;
      auto item = scanner.value();
      if (!item) return fail(item.error());
      read_object(*item, scanner.bytes_after(*item), header);
      if (index % 256 == 0) progress(scanner.position());
      scanner.skip_space();
      if (!scanner.take(',')) break;
      scanner.skip_space();
    }
    if (!scanner.take(']')) return fail(base::invalid_argument("not valid JSON: the list does not end"));
    place_.item.reset();
    return true;
  }

  void read_object(std::string_view text, std::size_t bytes_after, const ListHeader& header) {
    auto value = reader_.read(text, bytes_after);
    if (value) {
      sink_.take(**value, place_, header.kind, header.version);
    } else {
      fail(value.error());
    }
  }

  void read_yaml(std::string_view text) {
    if (!yaml_) yaml_.emplace();
    std::string_view rest = text;
    while (!rest.empty()) {
      done_ = text.size() - rest.size();
      const std::string_view document = next_yaml_document(rest);
      if (is_empty_yaml(document)) continue;
      ++place_.document;
      place_.item.reset();
      const auto result = yaml_->read(document, *this);
      if (!result) {
        sink_.unreadable(place_, result.error().message() + "; the rest of this document is left out",
                         "correct the text, or write it with kubectl get -o yaml");
      }
    }
  }

  void object(const base::JsonValue& value, std::optional<std::size_t> item, std::string_view list_kind,
              std::string_view list_version) override {
    place_.item = item;
    sink_.take(value, place_, list_kind, list_version);
  }

  void progress(std::size_t bytes) override {
    const std::size_t position = done_ + bytes;
    if (file_ != nullptr) file_->forget_before(position);
    const auto& report = sink_.options().progress;
    if (report) report(place_.source, std::min(position, text_size_), text_size_);
  }

  ObjectSink sink_;
  base::JsonReader reader_;
  std::optional<YamlReader> yaml_;  ///< made for the first YAML
  Place place_;
  InputFile* file_ = nullptr;  ///< whose text is being read
  std::size_t text_size_ = 0;
  std::size_t done_ = 0;  ///< bytes of the YAML documents before
};

ObjectReader::ObjectReader(ReadOptions options)
    : implementation_(std::make_unique<Implementation>(std::move(options))) {}
ObjectReader::~ObjectReader() = default;

void ObjectReader::read(std::string_view text, std::string_view source) {
  implementation_->read(text, source);
}

base::Result<void> ObjectReader::read_path(const std::string& path, std::string_view source) {
  base::Result<std::vector<std::string>> files = input_files(path);
  if (!files) return files.error();
  for (const std::string& file : *files) {
    const bool is_path = file == path && !source.empty();
    auto done = implementation_->read_file(file, is_path ? source : std::string_view(file));
    if (!done) return done;
  }
  return {};
}

ClusterObjects ObjectReader::finish() { return implementation_->finish(); }

}  // namespace fairlead::manifest
