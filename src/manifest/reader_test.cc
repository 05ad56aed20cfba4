#include "manifest/object_text_test.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace fairlead::manifest {
namespace {

TEST(Diagnostics, NameFileDocumentFieldValueAndRemedy) {
  const struct {
    const char* text;
    const char* message;
  } cases[] = {
      {"kind: Pod\napiVersion: v1\nmetadata: {name: a, labels: {x: 5}}\nspec: {}\n",
       "file.yaml, document 1, Pod a: metadata.labels.x: \"5\" is a number where a text is expected; put it "
       "in quotes"},
      {"kind: Pod\napiVersion: v1\nmetadata: {name: a}\nspec: {containers: [{resources: {requests: {cpu: "
       "lots}}}]}\n",
       "file.yaml, document 1, Pod a: spec.containers[0].resources.requests.cpu: \"lots\" is not a quantity; "
       "write a number with an "
       "optional unit, such as 500m, 2 or 16Gi"},
      {"kind: Pod\napiVersion: v1\nmetadata: {name: a}\nspec: {containers: [{resources: {requests: {memory: "
       "99Ei}}}]}\n",
       "file.yaml, document 1, Pod a: spec.containers[0].resources.requests.memory: \"99Ei\" is too large; "
       "write a number with an "
       "optional unit, such as 500m, 2 or 16Gi"},
      {"kind: Pod\napiVersion: v1\nmetadata: {name: a}\nspec: {containers: [{resources: {limits: {cpu: "
       "'-1'}}}]}\n",
       "file.yaml, document 1, Pod a: spec.containers[0].resources.limits.cpu: \"-1\" is negative; write 0 "
       "or more"},
      {"kind: Pod\napiVersion: v1\nmetadata: {name: a, annotations: {gpu-fraction: '1.5'}}\nspec: "
       "{schedulerName: fairlead}\n",
       "file.yaml, document 1, Pod a: annotation gpu-fraction \"1.5\" is not a share of a device; write a "
       "number above 0 and below 1, "
       "such as 0.5"},
      {"kind: Pod\napiVersion: v1\nmetadata: {name: a, creationTimestamp: yesterday}\nspec: {}\n",
       "file.yaml, document 1, Pod a: metadata.creationTimestamp: \"yesterday\" is not an instant; write it "
       "as RFC 3339, such as "
       "2026-01-31T09:00:00Z"},
      {"kind: Pod\napiVersion: v1\nmetadata: {name: a}\nspec: {containers: none}\n",
       "file.yaml, document 1, Pod a: spec.containers: \"none\" is a text where a list is expected; write a "
       "list"},
      {"kind: Pod\napiVersion: v1\nspec: {}\n",
       "file.yaml, document 1, Pod: metadata.name: is missing; give the object a name"},
      {"metadata: {name: a}\n",
       "file.yaml, document 1: names no kind; write the object's apiVersion and kind"},
      {"- 1\n", "file.yaml, document 1: is a list, not an object; write apiVersion, kind and metadata"},
      {"kind: PriorityClass\napiVersion: scheduling.k8s.io/v1\nmetadata: {name: a}\nvalue: 3000000000\n",
       "file.yaml, document 1, PriorityClass a: value: \"3000000000\" is out of range; write a whole number "
       "from -2147483648 to "
       "2147483647"},
      {"kind: List\nitems:\n- {kind: Pod, apiVersion: v1, metadata: {name: a}, spec: 5}\n",
       "file.yaml, document 1, Pod a: items[0].spec: \"5\" is a number where a map is expected; write key: "
       "value pairs"},
      {"{\"kind\": ",
       "file.yaml, document 1: not valid JSON: the text ends where a value is expected; correct the text, or "
       "write it with "
       "kubectl get -o json"},
  };
  for (const auto& c : cases) {
    const std::vector<std::string> errors = messages(read(c.text), Severity::kError);
    EXPECT_TRUE(std::find(errors.begin(), errors.end(), c.message) != errors.end())
        << c.text << (errors.empty() ? "no error" : errors.front());
  }
}

TEST(Diagnostics, TheRestIsLoadedAndASummarySaysWhatIsNot) {
  const ClusterObjects objects = read(pod("good") + pod("bad", "", "  containers: 5\n") + pod("fine"));
  EXPECT_EQ(objects.pods.size(), 2U);
  const auto warnings = messages(objects, Severity::kWarning);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings[0], "left out because of errors: 1 Pod; the answer holds for the other objects only");
}

TEST(Diagnostics, AHopelessFileIsNotListedWithoutEnd) {
  std::string text = "[";
  for (int i = 0; i < 3000; ++i) text += i == 0 ? "1" : ",1";
  const ClusterObjects objects = read(text + "]");
  EXPECT_LE(objects.diagnostics.size(), 1002U);
  EXPECT_NE(format(objects.diagnostics.back()).find("are not listed"), std::string::npos);
}

TEST(Reader, ReadsListsWhosesItemsLeaveTheirKindToTheList) {
  for (
      const char* text :
      {R"({"kind":"PodList","apiVersion":"v1","items":[{"metadata":{"name":"a"},"spec":{}},{"metadata":{"name":"b"},"spec":{}}]})",
       R"({"apiVersion":"v1","items":[{"metadata":{"name":"a"},"spec":{}},{"metadata":{"name":"b"},"spec":{}}],"kind":"PodList"})",
       "apiVersion: v1\nitems:\n- metadata: {name: a}\n  spec: {}\n- metadata: {name: b}\n  spec: {}\nkind: "
       "PodList\n",
       R"([{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"},"spec":{}},{"kind":"Pod","apiVersion":"v1","metadata":{"name":"b"},"spec":{}}])",
       "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\"},\"spec\":{}}\n{\"kind\":"
       "\"Pod\",\"apiVersion\":\"v1\","
       "\"metadata\":{\"name\":\"b\"},\"spec\":{}}",
       R"({"kind":"List","items":[{"kind":"PodList","apiVersion":"v1","items":[{"metadata":{"name":"a"},"spec":{}},{"metadata":{"name":"b"},"spec":{}}]}]})",
       "{kind: PodList, apiVersion: v1, items: [{metadata: {name: a}, spec: {}}, {metadata: {name: b}, spec: "
       "{}}]}"}) {
    const ClusterObjects objects = read(text);
    ASSERT_EQ(objects.pods.size(), 2U) << text;
    EXPECT_TRUE(objects.diagnostics.empty()) << text << format(objects.diagnostics.front());
    EXPECT_EQ(objects.pods[1].display_name(), "default/b");
    EXPECT_FALSE(objects.pods[1].served);
  }
}

TEST(Reader, ReadsFoldersInTheOrderOfNames) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "fairlead_reader_test";
  std::filesystem::create_directories(folder / "sub");
  std::ofstream(folder / "b.yaml") << pod("second");
  std::ofstream(folder / "a.json")
      << R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"first"},"spec":{}})";
  std::ofstream(folder / "sub" / "c.yml") << pod("third");
  std::ofstream(folder / "notes.txt") << "not read";
  ObjectReader reader(ReadOptions{});
  ASSERT_TRUE(reader.read_path(folder).ok());
  const ClusterObjects objects = reader.finish();
  ASSERT_EQ(objects.pods.size(), 3U);
  EXPECT_EQ(objects.pods[0].name, "first");
  EXPECT_EQ(objects.pods[2].name, "third");
  std::filesystem::remove_all(folder);
  const auto gone = reader.read_path(folder);
  ASSERT_FALSE(gone.ok());
  EXPECT_EQ(gone.error().code(), base::Code::kNotFound);
}

TEST(Reader, ReadsAPipe) {
  const std::filesystem::path pipe = std::filesystem::path(testing::TempDir()) / "fairlead_reader_test_pipe";
  std::filesystem::remove(pipe);
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer(
      [&] { std::ofstream(pipe) << pod("through-a-pipe", "", "  containers: 5\n") << pod("fine"); });
  ObjectReader reader(ReadOptions{});
  EXPECT_TRUE(reader.read_path(pipe, "standard input").ok());
  writer.join();
  const ClusterObjects objects = reader.finish();
  EXPECT_EQ(objects.pods.size(), 1U);
  EXPECT_EQ(objects.diagnostics.at(0).source, "standard input");
  std::filesystem::remove(pipe);
}

TEST(Reader, ReportsProgress) {
  std::string text = "[";
  for (int i = 0; i < 600; ++i) {
    text += std::string(i == 0 ? "" : ",") +
            R"({"kind":"Namespace","apiVersion":"v1","metadata":{"name":"n)" + std::to_string(i) + "\"}}";
  }
  text += "]";
  ReadOptions options;
  std::vector<std::size_t> done;
  options.progress = [&](std::string_view source, std::size_t bytes, std::size_t total) {
    EXPECT_EQ(source, "s");
    EXPECT_EQ(total, text.size());
    done.push_back(bytes);
  };
  ObjectReader reader(options);
  reader.read(text, "s");
  EXPECT_EQ(reader.finish().namespaces.size(), 600U);
  EXPECT_EQ(done.size(), 2U);
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
}

TEST(Reader, SaysWhatIsThereTwice) {
  const ClusterObjects objects = read(pod("a") + pod("a") + queue("q", "''") + queue("q", "''"));
  EXPECT_EQ(objects.pods.size(), 1U);
  EXPECT_EQ(objects.queues.size(), 1U);
  const auto errors = messages(objects, Severity::kError);
  ASSERT_EQ(errors.size(), 2U);
  EXPECT_EQ(errors[0],
            "file.yaml, document 2, Pod team/a: is in the input twice; the first one counts; remove one of "
            "the two");
}

}  // namespace
}  // namespace fairlead::manifest
