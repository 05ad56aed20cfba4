#pragma once

#include "model/pod.h"
#include "model/queue.h"
#include "model/resources.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead::cli {

/// Thousandths as a decimal number without trailing zeros: 1500 is "1.5".
std::string thousandths_text(std::int64_t thousandths);
/// Bytes in the largest binary unit that leaves a readable number: "512Gi", "1.5Gi".
std::string bytes_text(std::int64_t bytes);
/// A number with its noun: "1 pod", "3 pods".
std::string count_text(std::int64_t count, std::string_view noun);
/// An amount in a queue's dimension, with its unit: "8 devices", "0.5 devices", "4 CPUs", "16Gi of memory".
std::string amount_text(std::string_view dimension, std::int64_t amount);
/// The number alone, in the unit in which a person reads the dimension.
std::string amount_number(std::string_view dimension, std::int64_t amount);
/// "unlimited", or amount_number.
std::string bound_text(std::string_view dimension, const model::Bound& bound);
/// What a pod asks for, devices first: "8 nvidia.com/gpu, 64 CPUs, 512Gi"; "nothing" if it asks for nothing.
std::string request_text(const model::Pod& pod);
/// The devices of request_text alone: "8 nvidia.com/gpu", "0.5 of a device", "2 x 20000Mi of a device".
std::string device_request_text(const model::DeviceRequest& request);

}  // namespace fairlead::cli
