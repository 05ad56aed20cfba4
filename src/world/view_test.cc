#include "world/world.h"

#include <gtest/gtest.h>

namespace fairlead::world {
namespace {

TEST(View, FindsWorkloadsByProjectAndName) {
  View view;
  for (const auto& [project, name] : {std::pair("a", "x"), {"a", "y"}, {"b", "a"}}) {
    auto one = std::make_shared<WorkloadView>();
    one->spec.project = project;
    one->spec.name = name;
    view.workloads.push_back(one);
  }
  ASSERT_NE(view.find("a", "y"), nullptr);
  EXPECT_EQ(view.find("a", "y")->spec.key(), "a/y");
  EXPECT_EQ(view.find("b", "a")->spec.key(), "b/a");
  EXPECT_EQ(view.find("a", "z"), nullptr);
  EXPECT_EQ(view.find("b", "x"), nullptr);
  EXPECT_EQ(view.find_queue("a"), nullptr);
}

}  // namespace
}  // namespace fairlead::world
