#include "manifest/yaml_reader.h"

#include "manifest/yaml_scalar.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <cstring>
#include <istream>
#include <streambuf>
#include <string>
#include <unordered_map>
#include <vector>

namespace fairlead::manifest {
namespace {

using Kind = base::JsonValue::Kind;

/// Lets a stream read from memory without copying it.
class MemoryBuffer : public std::streambuf {
 public:
  explicit MemoryBuffer(std::string_view text) {
    // The interface wants it writable; a buffer that is only read from never writes.
    char* begin = const_cast<char*>(text.data());  // NOLINT(cppcoreguidelines-pro-type-const-cast)
    setg(begin, begin, begin + text.size());
  }
};

/// Ends the parsing from inside an event; stays within this file.
struct LimitReached {
  YAML::Mark mark;
  const char* what = "";
};

bool begins_document(std::string_view text, std::size_t at) {
  if (text.compare(at, 3, "---") != 0) return false;
  return at + 3 >= text.size() || std::strchr(" \t\r\n", text[at + 3]) != nullptr;
}

/// The kind of a List that stands behind its items, as kubectl writes it: at the beginning of a line.
std::string_view find_kind(std::string_view document) {
  constexpr std::string_view kKey = "\nkind:";
  const auto found = document.rfind(kKey);
  if (found == std::string_view::npos) return {};
  std::string_view value = document.substr(found + kKey.size());
  value = value.substr(0, value.find_first_of("\r\n"));
  while (!value.empty() && (value.front() == ' ' || value.front() == '"')) value.remove_prefix(1);
  while (!value.empty() && (value.back() == ' ' || value.back() == '"')) value.remove_suffix(1);
  return value;
}

}  // namespace

class YamlReader::Handler : public YAML::EventHandler {
 public:
  /// Before a text, of which the parser may make several documents.
  void begin_text() { started_ = -1; }
  void begin(std::string_view document, YamlObjects& objects) {
    document_ = document;
    objects_ = &objects;
    open_.clear();
    outer_.reset();
    item_.reset();
    anchors_.clear();
    list_kind_.clear();
    list_version_.clear();
    in_items_ = false;
    is_list_ = false;
    items_ = 0;
    position_ = 0;
    forget_aliases();
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    // The parser makes documents without end of a token that it cannot place, such as a stray bracket.
    if (mark.pos == started_) throw LimitReached{mark, "something that belongs to no value"};
    started_ = mark.pos;
  }
  void OnDocumentEnd() override {
    if (!is_list_) objects_->object(outer_.root(), std::nullopt, {}, {});
    objects_->progress(document_.size());
  }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (take_key("null")) return;
    builder(mark).null();
    added(anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (take_key(value)) return;
    base::JsonBuilder& to = builder(mark);
    const bool plain = tag == "?" || tag == "tag:yaml.org,2002:int" || tag == "tag:yaml.org,2002:float" ||
                       tag == "tag:yaml.org,2002:bool" || tag == "tag:yaml.org,2002:null";
    const YamlScalar scalar = plain ? resolve_yaml_scalar(value) : YamlScalar();
    switch (scalar.kind) {
      case Kind::kNull:
        to.null();
        break;
      case Kind::kBoolean:
        to.boolean(scalar.boolean);
        break;
      case Kind::kNumber:
        to.number(to.keep(scalar.digits));
        break;
      default:
        to.string(to.keep(value));
        note_list_header(value);
    }
    added(anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    reject_as_key(mark);
    if (open_.size() == 1 && open_.back().is_map && key_ == "items" && !is_list_) {
      if (list_kind_.empty()) list_kind_ = find_kind(document_);
      is_list_ = true;
      in_items_ = true;
      open_.push_back({false, false, 0, 0});
      return;
    }
    builder(mark).begin_array();
    open(mark, false, anchor);
  }

  void OnSequenceEnd() override {
    if (in_items_ && open_.size() == 2) {
      in_items_ = false;
      open_.pop_back();
      open_.back().expects_key = true;
      return;
    }
    close();
  }

  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    reject_as_key(mark);
    if (mark.pos > 0) position_ = static_cast<std::size_t>(mark.pos);
    builder(mark).begin_object();
    open(mark, true, anchor);
  }

  void OnMapEnd() override { close(); }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    reject_as_key(mark);
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      throw LimitReached{
          mark, "an alias of something in another item of the list, which is not kept; write it out"};
    }
    aliased_ += found->second.size;
    if (aliased_ > kMaxAliased) throw LimitReached{mark, "aliases that stand for too much; write it out"};
    base::JsonBuilder& to = builder(mark);
    if (key_ == "<<" && found->second.value.is_object()) {
      // A merge: members of the other map, where this one has none of the name.
      for (const auto& member : found->second.value.members()) {
        if (to.has_member(member.key)) continue;
        to.key(member.key);
        to.repeat(member.value);
      }
    } else {
      to.repeat(found->second.value);
    }
    size_ += found->second.size;
    added(0);
  }

 private:
  struct Open {
    bool is_map;
    bool expects_key;
    YAML::anchor_t anchor;
    std::size_t size_before;
  };
  struct Anchor {
    base::JsonValue value;
    std::size_t size = 0;
  };

  base::JsonBuilder& builder(const YAML::Mark& mark) {
    if (open_.size() > kMaxDepth) throw LimitReached{mark, "too deep nesting"};
    return in_items_ ? item_ : outer_;
  }

  void reject_as_key(const YAML::Mark& mark) const {
    if (!open_.empty() && open_.back().expects_key) {
      throw LimitReached{mark, "a key that is not a text"};
    }
  }

  /// Whether the scalar is the name of a member.
  bool take_key(std::string_view name) {
    if (open_.empty() || !open_.back().expects_key) return false;
    open_.back().expects_key = false;
    base::JsonBuilder& to = in_items_ ? item_ : outer_;
    key_ = to.keep(name);
    to.key(key_);
    return true;
  }

  void open(const YAML::Mark& mark, bool is_map, YAML::anchor_t anchor) {
    if (open_.size() >= kMaxDepth) throw LimitReached{mark, "too deep nesting"};
    open_.push_back({is_map, is_map, anchor, size_});
  }

  void close() {
    const Open closed = open_.back();
    open_.pop_back();
    base::JsonBuilder& from = in_items_ ? item_ : outer_;
    from.end();
    if (closed.anchor != 0) anchors_[closed.anchor] = {from.last(), size_ - closed.size_before + 1};
    added(0);
  }

  /// A value is complete.
  void added(YAML::anchor_t anchor) {
    ++size_;
    if (anchor != 0) anchors_[anchor] = {(in_items_ ? item_ : outer_).last(), 1};
    if (open_.empty()) return;
    if (open_.back().is_map) open_.back().expects_key = true;
    if (!in_items_ || open_.size() != 2) return;
    objects_->object(item_.root(), items_++, list_kind_, list_version_);
    if (items_ % 256 == 0) objects_->progress(position_);
    item_.reset();
    anchors_.clear();
    forget_aliases();
  }

  void forget_aliases() {
    aliased_ = 0;
    size_ = 0;
  }

  void note_list_header(const std::string& value) {
    if (open_.size() != 1 || in_items_) return;
    if (key_ == "kind") list_kind_ = value;
    if (key_ == "apiVersion") list_version_ = value;
  }

  int started_ = -1;  ///< where the document begins
  std::string_view document_;
  YamlObjects* objects_ = nullptr;
  std::vector<Open> open_;
  base::JsonBuilder outer_;  ///< the document, without the items of a List
  base::JsonBuilder item_;   ///< the item that is being read
  std::unordered_map<YAML::anchor_t, Anchor> anchors_;
  std::string_view key_;
  std::string list_kind_;
  std::string list_version_;
  bool in_items_ = false;
  bool is_list_ = false;
  std::size_t items_ = 0;
  std::size_t position_ = 0;  ///< in characters, near enough to bytes
  std::size_t size_ = 0;      ///< values of this object so far, with those that aliases stand for
  std::size_t aliased_ = 0;
};

YamlReader::YamlReader() : handler_(std::make_unique<Handler>()) {}
YamlReader::~YamlReader() = default;

base::Result<void> YamlReader::read(std::string_view document, YamlObjects& objects) {
  const auto failure = [](const YAML::Mark& mark, std::string_view what) {
    return base::invalid_argument(
        fmt::format("not valid YAML at line {}, column {}: {}", mark.line + 1, mark.column + 1, what));
  };
  MemoryBuffer buffer(document);
  std::istream stream(&buffer);
  try {
    YAML::Parser parser(stream);
    handler_->begin_text();
    do {
      handler_->begin(document, objects);
    } while (parser.HandleNextDocument(*handler_));
  } catch (const LimitReached& limit) {
    return failure(limit.mark, limit.what);
  } catch (const YAML::Exception& error) {
    return failure(error.mark, error.msg);
  } catch (const std::exception& error) {
    return base::invalid_argument(fmt::format("not valid YAML: {}", error.what()));
  }
  return {};
}

std::string_view next_yaml_document(std::string_view& text) {
  std::size_t at = begins_document(text, 0) ? 3 : 0;
  std::size_t end = text.size();
  while (at < text.size()) {
    const auto line = text.find("\n---", at);
    if (line == std::string_view::npos) break;
    at = line + 1;
    if (begins_document(text, at)) {
      end = at;
      break;
    }
  }
  const std::string_view document = text.substr(0, end);
  text.remove_prefix(end);
  return document;
}

bool is_empty_yaml(std::string_view document) {
  if (begins_document(document, 0)) document.remove_prefix(3);
  while (!document.empty()) {
    const auto end = document.find('\n');
    std::string_view line = document.substr(0, end);
    const auto first = line.find_first_not_of(" \t\r");
    if (first != std::string_view::npos) {
      line.remove_prefix(first);
      const bool nothing = line.front() == '#' || line.front() == '%' || line == "..." || line == "...\r";
      if (!nothing) return false;
    }
    if (end == std::string_view::npos) return true;
    document.remove_prefix(end + 1);
  }
  return true;
}

}  // namespace fairlead::manifest
