// A data-parallel training on the cpu: logistic regression on data that a seed describes, gradients summed
// over a ring of ranks, one rank per replica. It grows and shrinks with its workload, saves its state when it
// is asked to stop, and goes on from there. All sums are of integers, so it ends at exactly the same loss
// whether or not it was interrupted, and with whatever number of ranks.
//
// Usage: training [--steps N] [--pace MILLISECONDS] [--checkpoint FILE]

#include "training/ring.h"

#include <unistd.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int kFeatures = 64;
constexpr int kBatch = 512;
constexpr double kRate = 0.5;
constexpr double kScale = 1 << 20;  // of a gradient as an integer

volatile std::sig_atomic_t asked_to_stop = 0;

/// The same sequence everywhere: SplitMix64, public domain, by Sebastiano Vigna.
double uniform(std::uint64_t seed) {
  seed += 0x9e3779b97f4a7c15U;
  seed = (seed ^ (seed >> 30U)) * 0xbf58476d1ce4e5b9U;
  seed = (seed ^ (seed >> 27U)) * 0x94d049bb133111ebU;
  return static_cast<double>((seed ^ (seed >> 31U)) >> 11U) * 0x1p-52 - 1.0;  // [-1, 1)
}

struct Model {
  std::int64_t step = 0;
  std::vector<std::int64_t> weights = std::vector<std::int64_t>(kFeatures, 0);  // in 1 / kScale
  std::int64_t loss = 0;                                                        // of the last batch, likewise
};

Model load(const std::string& file) {
  Model model;
  std::ifstream stream(file);
  std::int64_t step = 0;
  if (!(stream >> step)) return model;
  Model read;
  read.step = step;
  stream >> read.loss;
  for (std::int64_t& weight : read.weights) stream >> weight;
  return stream ? read : model;
}

void save(const Model& model, const std::string& file) {
  const std::string draft = file + "." + std::to_string(getpid());
  {
    std::ofstream stream(draft);
    stream << model.step << ' ' << model.loss;
    for (const std::int64_t weight : model.weights) stream << ' ' << weight;
    stream << '\n';
  }
  std::rename(draft.c_str(), file.c_str());
}

/// This rank's part of a batch's gradient, and of its loss behind it.
void add_gradient(const Model& model, int position, int ranks, std::vector<std::int64_t>& sums) {
  std::vector<double> weights(kFeatures);
  for (int i = 0; i < kFeatures; ++i)
    weights[static_cast<std::size_t>(i)] =
        static_cast<double>(model.weights[static_cast<std::size_t>(i)]) / kScale;
  std::vector<double> features(kFeatures);
  for (int sample = position; sample < kBatch; sample += ranks) {
    const auto number = static_cast<std::uint64_t>(model.step * kBatch + sample);
    double truth = 0;
    double guess = 0;
    for (int i = 0; i < kFeatures; ++i) {
      const auto at = static_cast<std::size_t>(i);
      features[at] = uniform(number * kFeatures + static_cast<std::uint64_t>(i));
      truth += features[at] * (i % 3 - 1);
      guess += features[at] * weights[at];
    }
    const double label = truth > 0 ? 1.0 : 0.0;
    const double probability = 1.0 / (1.0 + std::exp(-guess));
    for (int i = 0; i < kFeatures; ++i)
      sums[static_cast<std::size_t>(i)] +=
          std::llround((probability - label) * features[static_cast<std::size_t>(i)] * kScale);
    const double error = label > 0.5 ? probability : 1.0 - probability;
    sums[kFeatures] += std::llround(-std::log(std::max(error, 1e-9)) * kScale);
  }
}

std::string variable(const char* name, const std::string& fallback) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? fallback : value;
}

/// All ranks take the state that is furthest: one that has just come, or comes back, gets the others'.
bool agree(training::Ring& ring, Model& model) {
  const auto ranks = static_cast<std::size_t>(ring.size());
  const auto self = static_cast<std::size_t>(ring.position());
  std::vector<std::int64_t> steps(ranks, 0);
  steps[self] = model.step + 1;
  if (!ring.all_reduce(steps)) return false;
  std::size_t furthest = 0;
  for (std::size_t i = 0; i < ranks; ++i)
    if (steps[i] > steps[furthest]) furthest = i;
  std::vector<std::int64_t> state(kFeatures + 2, 0);
  if (self == furthest) {
    state[0] = model.step;
    state[1] = model.loss;
    for (int i = 0; i < kFeatures; ++i)
      state[static_cast<std::size_t>(i) + 2] = model.weights[static_cast<std::size_t>(i)];
  }
  if (!ring.all_reduce(state)) return false;
  model.step = state[0];
  model.loss = state[1];
  model.weights.assign(state.begin() + 2, state.end());
  return true;
}

struct Options {
  std::int64_t steps = 1000;
  std::int64_t pace = 20;
  std::string checkpoint = variable("FAIRLEAD_CHECKPOINT", "checkpoint");
};

int train(const Options& options) {
  const int index = std::atoi(variable("FAIRLEAD_INDEX", "0").c_str());
  const std::string members = variable("FAIRLEAD_MEMBERS", "");
  training::Ring ring(index, std::atoi(variable("PORT", "0").c_str()));
  Model model = load(options.checkpoint);
  const std::int64_t begun = model.step;
  if (begun > 0) std::printf("rank %d goes on at step %lld\n", index, static_cast<long long>(begun));
  const auto stopping = [] { return asked_to_stop != 0; };
  constexpr std::int64_t kSayEvery = 100;
  constexpr std::int64_t kSaveEvery = 200;
  while (model.step < options.steps) {
    if (!members.empty()) {
      if (!ring.form(members, stopping) || !agree(ring, model)) {
        if (!stopping()) continue;
        save(model, options.checkpoint);
        std::printf("rank %d saved step %lld and stops\n", index, static_cast<long long>(model.step));
        return 0;
      }
      std::printf("rank %d of %d at step %lld\n", ring.position(), ring.size(),
                  static_cast<long long>(model.step));
    }
    const int ranks = members.empty() ? 1 : ring.size();
    bool whole = true;  // the ring stands as it was formed
    while (whole && model.step < options.steps) {
      const auto tick = std::chrono::steady_clock::now();
      // Gradient, loss, and how many leave or have seen others come.
      std::vector<std::int64_t> sums(kFeatures + 2, 0);
      add_gradient(model, members.empty() ? 0 : ring.position(), ranks, sums);
      const bool leaving = stopping();
      bool others = false;
      if (!members.empty()) {
        const auto now = training::read_members(members);
        others = !now.empty() && now != ring.members();
      }
      sums[kFeatures + 1] = leaving || others ? 1 : 0;
      if (!members.empty() && !ring.all_reduce(sums)) break;
      for (std::size_t i = 0; i < kFeatures; ++i)
        model.weights[i] -= std::llround(kRate * static_cast<double>(sums[i]) / kBatch);
      model.loss = sums[kFeatures] / kBatch;
      ++model.step;
      const bool first = members.empty() || ring.position() == 0;
      if (first && model.step % kSayEvery == 0)
        std::printf("step %lld loss %.6f\n", static_cast<long long>(model.step),
                    static_cast<double>(model.loss) / kScale);
      if (first && model.step % kSaveEvery == 0) save(model, options.checkpoint);
      std::fflush(stdout);
      if (leaving) {
        save(model, options.checkpoint);
        std::printf("rank %d saved step %lld and stops\n", index, static_cast<long long>(model.step));
        return 0;
      }
      whole = sums[kFeatures + 1] == 0;
      std::this_thread::sleep_until(tick + std::chrono::milliseconds(options.pace));
    }
    ring.close();
  }
  if (members.empty() || ring.position() == 0) {
    save(model, options.checkpoint);
    std::printf("done: step %lld loss %.6f\n", static_cast<long long>(model.step),
                static_cast<double>(model.loss) / kScale);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--steps") options.steps = std::atoll(argv[i + 1]);
    if (name == "--pace") options.pace = std::atoll(argv[i + 1]);
    if (name == "--checkpoint") options.checkpoint = argv[i + 1];
  }
  for (const int number : {SIGTERM, SIGUSR1, SIGINT}) std::signal(number, [](int) { asked_to_stop = 1; });
  return train(options);
}
