#include "host/device_filter.h"

#include "base/descriptor.h"
#include "base/files.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

namespace fairlead::host {
namespace {

constexpr std::uint8_t kResult = 0;  // register with the verdict
constexpr std::uint8_t kContext = 1;
constexpr std::uint8_t kType = 2;
constexpr std::uint8_t kMajor = 3;
constexpr std::uint8_t kMinor = 4;

bpf_insn instruction(int code, std::uint8_t to, std::uint8_t from, std::int16_t offset, std::int32_t value) {
  bpf_insn made{};
  made.code = static_cast<std::uint8_t>(code);
  made.dst_reg = to & 0xfU;
  made.src_reg = from & 0xfU;
  made.off = offset;
  made.imm = value;
  return made;
}

bpf_insn load_field(std::uint8_t to, std::size_t offset) {
  return instruction(BPF_LDX | BPF_MEM | BPF_W, to, kContext, static_cast<std::int16_t>(offset), 0);
}

bpf_insn set_result(std::int32_t value) {
  return instruction(BPF_ALU64 | BPF_MOV | BPF_K, kResult, 0, 0, value);
}

// Skips `count` instructions when the register is not the value.
bpf_insn skip_unless(std::uint8_t field, std::uint32_t value, std::int16_t count) {
  return instruction(BPF_JMP | BPF_JNE | BPF_K, field, 0, count, static_cast<std::int32_t>(value));
}

std::vector<bpf_insn> program_for(const std::vector<DeviceNumber>& denied) {
  std::vector<bpf_insn> program = {
      load_field(kType, offsetof(bpf_cgroup_dev_ctx, access_type)),
      instruction(BPF_ALU | BPF_AND | BPF_K, kType, 0, 0, 0xffff),
      load_field(kMajor, offsetof(bpf_cgroup_dev_ctx, major)),
      load_field(kMinor, offsetof(bpf_cgroup_dev_ctx, minor)),
  };
  for (const DeviceNumber& number : denied) {
    program.push_back(skip_unless(kType, number.block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR, 4));
    program.push_back(skip_unless(kMajor, number.major, 3));
    program.push_back(skip_unless(kMinor, number.minor, 2));
    program.push_back(set_result(0));
    program.push_back(instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
  }
  program.push_back(set_result(1));
  program.push_back(instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
  return program;
}

long call_bpf(int command, bpf_attr& attributes) {
  return syscall(SYS_bpf, command, &attributes, sizeof attributes);
}

}  // namespace

base::Result<void> attach_device_filter(const std::string& group_folder,
                                        const std::vector<DeviceNumber>& denied) {
  const std::vector<bpf_insn> instructions = program_for(denied);
  const char license[] = "GPL";
  bpf_attr load{};
  load.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  load.insns = reinterpret_cast<std::uint64_t>(instructions.data());
  load.insn_cnt = static_cast<std::uint32_t>(instructions.size());
  load.license = reinterpret_cast<std::uint64_t>(license);
  const base::Descriptor program(static_cast<int>(call_bpf(BPF_PROG_LOAD, load)));
  if (!program.valid()) return base::system_error("load the device filter");
  const base::Descriptor group(open(group_folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!group.valid()) return base::system_error("open " + group_folder);
  bpf_attr attach{};
  attach.target_fd = static_cast<std::uint32_t>(group.get());
  attach.attach_bpf_fd = static_cast<std::uint32_t>(program.get());
  attach.attach_type = BPF_CGROUP_DEVICE;
  attach.attach_flags = BPF_F_ALLOW_MULTI;
  if (call_bpf(BPF_PROG_ATTACH, attach) != 0)
    return base::system_error("attach the device filter to " + group_folder);
  return {};
}

}  // namespace fairlead::host
