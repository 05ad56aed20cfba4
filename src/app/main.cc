#include "cli/fair_share_command.h"

#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>

int main(int argc, char** argv) {
  if (argc != 3 || std::string_view(argv[1]) != "plan" || std::string_view(argv[2]) != "--fair-share")
    return 2;
  std::string line;
  while (std::getline(std::cin, line)) {
    if (line.empty()) continue;
    const fairlead::base::Result<std::string> answer = fairlead::cli::answer_fair_share(line);
    if (!answer) {
      std::cerr << "fairlead: " << answer.error().message() << '\n';
      return 1;
    }
    std::cout << *answer << '\n';
  }
  return 0;
}
