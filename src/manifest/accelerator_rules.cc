#include "manifest/accelerator_rules.h"

#include "base/json_reader.h"
#include "manifest/fields.h"
#include "manifest/yaml_reader.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fairlead::manifest {
namespace {

using Value = Fields::Value;

constexpr std::array<std::string_view, 7> kKeys = {"resource",    "vendor",       "kind",      "quota",
                                                   "modelLabels", "memoryLabels", "linkLabels"};

std::vector<std::string> texts(Fields& fields, const Value& parent, std::string_view key) {
  std::vector<std::string> result;
  const Value* list = fields.array(parent, key);
  if (list == nullptr) return result;
  for (const Value& item : list->items()) {
    if (item.is_string()) {
      result.emplace_back(item.text());
    } else {
      fields.error(item, "is not a text", "put it in quotes");
    }
  }
  return result;
}

void decode_kind(Fields& fields, const Value& value, AcceleratorRule& rule) {
  const std::string_view kind = fields.text(value, "kind");
  if (kind == "partition") {
    rule.kind = AcceleratorRule::Kind::kPartition;
  } else if (kind == "counted") {
    rule.kind = AcceleratorRule::Kind::kCounted;
  } else if (!kind.empty() && kind != "whole") {
    fields.error(*value.find("kind"), "is not a kind of resource", "write whole, partition or counted");
  }
  const auto quota = fields.number(value, "quota");
  if (!quota) return;
  const double thousandths = std::round(*quota * model::kThousandthsPerDevice);
  if (thousandths < 1 || thousandths > 1'000'000) {
    fields.error(*value.find("quota"), "is not a number of devices", "write a number from 0.001 to 1000");
    return;
  }
  rule.quota_thousandths = static_cast<std::int64_t>(thousandths);
}

AcceleratorRule decode_rule(Fields& fields, const Value& value) {
  AcceleratorRule rule;
  for (const auto& member : value.members()) {
    if (std::find(kKeys.begin(), kKeys.end(), member.key) == kKeys.end()) {
      fields.error(member.value, "has a name that is not known",
                   "write resource, vendor, kind, quota, modelLabels, memoryLabels or linkLabels");
    }
  }
  rule.resource = fields.string(value, "resource");
  if (rule.resource.find('/') == std::string::npos) {
    fields.missing(value, "resource", "write a resource name with its domain, such as example.com/npu");
  }
  rule.vendor = fields.string(value, "vendor");
  decode_kind(fields, value, rule);
  rule.model_labels = texts(fields, value, "modelLabels");
  rule.memory_labels = texts(fields, value, "memoryLabels");
  rule.link_labels = texts(fields, value, "linkLabels");
  return rule;
}

/// Decodes the one document of a text.
class Document : public YamlObjects {
 public:
  explicit Document(std::string_view source) : source_(source) {}

  void object(const Value& value, std::optional<std::size_t>, std::string_view, std::string_view) override {
    Fields fields(value, Place{source_, 0, {}}, "", log);
    if (fields.array(value, "accelerators") == nullptr && !fields.failed()) {
      fields.missing(value, "accelerators", "list the site's accelerators");
    }
    fields.each_object(value, "accelerators",
                       [&](const Value& rule) { rules.push_back(decode_rule(fields, rule)); });
  }
  void progress(std::size_t) override {}

  std::vector<AcceleratorRule> rules;
  DiagnosticLog log;

 private:
  std::string_view source_;
};

}  // namespace

base::Result<std::vector<AcceleratorRule>> read_accelerator_rules(std::string_view text,
                                                                  std::string_view source) {
  // Every JSON document is a YAML document too, and these are short.
  Document document(source);
  YamlReader reader;
  const auto read = reader.read(text, document);
  if (!read) return read.error().in(source);
  const std::vector<Diagnostic> diagnostics = document.log.take();
  if (!diagnostics.empty()) return base::invalid_argument(format(diagnostics.front()));
  return std::move(document.rules);
}

}  // namespace fairlead::manifest
