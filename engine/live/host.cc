#include "engine/live/host.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include <sys/random.h>

#include "engine/base/random.h"
#include "engine/env/recorded.h"
#include "engine/live/flight_log.h"
#include "engine/live/rocks_store.h"
#include "engine/live/workers.h"

namespace orrery::live {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t kMaxTimers = 1 << 16;  // pending of one node, as in simulation

std::int64_t utc_ns() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

// Number of the life that begins: counted in a file beside the disk, so a wiped disk starts at 0.
Result<std::uint64_t> next_boot(const std::string& data_dir) {
  const std::string path = data_dir + "/boots";
  std::uint64_t boots = 0;
  if (std::ifstream in(path); in) in >> boots;
  std::ofstream out(path, std::ios::trunc);
  out << boots + 1 << "\n";
  out.flush();
  if (!out) return fail(ErrorCode::kIo, path + ": cannot be written");
  return boots;
}

}  // namespace

class Host::Impl final : public env::Clock,
                         public env::Timers,
                         public env::Random,
                         public env::Trace,
                         public env::Replies,
                         public env::Log {
 public:
  Impl(boost::asio::io_context& loop, HostOptions options, std::unique_ptr<env::Node> node)
      : loop_(loop), options_(std::move(options)), node_(std::move(node)), timer_(loop) {}
  ~Impl() override { stop(); }

  Status open() {
    ASSIGN_OR_RETURN(store_,
                     RocksStore::open(
                         loop_, options_.data_dir, [this](env::Synced e) { deliver(e); },
                         [this] { return !flight_ || flight_->sync(); }));
    if (!options_.flight_dir.empty()) {
      ASSIGN_OR_RETURN(flight_, FlightLog::open(options_.flight_dir));
    }
    ASSIGN_OR_RETURN(boot_, next_boot(options_.data_dir));
    ASSIGN_OR_RETURN(transport_,
                     TcpTransport::listen(loop_, options_.transport,
                                          [this](env::Event e) { deliver(std::move(e)); }));
    if (getrandom(&random_seed_, sizeof random_seed_, 0) != sizeof random_seed_) {
      return fail(ErrorCode::kIo, "the system gives no random numbers");
    }
    jobs_.emplace(*this);
    inner_.emplace(env::Env{*this, *this, *this, *transport_, *store_, *jobs_, *this, *this, *this,
                            memo_});
    recorded_.emplace(*inner_);
    return {};
  }

  void start(std::function<void(const Error&)> on_failure) {
    on_failure_ = std::move(on_failure);
    workers_ = std::make_unique<Workers>(
        options_.compute_threads, options_.compute,
        [this](env::JobDone done) { boost::asio::post(loop_, [this, done] { deliver(done); }); });
    booted_ = Steady::now();
    running_ = true;
    read_clocks();
    const env::FlightBoot boot{.node = options_.index,
                               .boot = boot_,
                               .random_seed = random_seed_,
                               .store_identity = store_->identity(),
                               .store_sequence = store_->sequence(),
                               .device_class = options_.device_class,
                               .wall_error = options_.wall_error,
                               .self = transport_->self().text,
                               .mono = mono_,
                               .wall = wall_};
    handle(boot, [&] {
      emit({.kind = env::kNodeBoot, .n = {boot_}});
      node_->boot(recorded_->env(), {boot_});
    });
  }

  void stop() {
    if (!running_) return;
    running_ = false;
    timer_.cancel();
    transport_->close();
    workers_.reset();
    if (flight_) {
      flight_->append(env::FlightStop{});
      flight_->sync();
    }
    store_.reset();
  }

  void deliver(env::Event event) {
    if (!running_) return;
    ENSURE(!handling_, "events come from the loop, never from inside a handler");
    read_clocks();
    env::FlightHeard heard{mono_, wall_, std::move(event)};
    handle(heard, [&] { node_->on(recorded_->env(), heard.event); });
  }

  // env::Clock
  Time mono() const override {
    moved();
    return mono_;
  }
  Time wall() const override {
    moved();
    return wall_;
  }
  Duration wall_error() const override { return options_.wall_error; }
  // env::Timers
  std::uint64_t arm(Time at, env::Cookie cookie) override {
    ENSURE(timers_.size() < kMaxTimers, "too many pending timers on one node");
    timers_.emplace(std::pair(at, next_timer_), cookie);
    instants_.emplace(next_timer_, at);
    if (timers_.begin()->first.second == next_timer_) wait_for_timer();
    return next_timer_++;
  }
  void cancel(std::uint64_t timer) override {
    const auto it = instants_.find(timer);
    if (it == instants_.end()) return;
    timers_.erase({it->second, timer});
    instants_.erase(it);
  }
  // env::Random
  std::uint64_t u64(std::uint64_t stream) override {
    const auto it = streams_.try_emplace(stream, random_seed_, boot_, stream).first;
    return it->second.next();
  }
  // env::Trace
  void emit(const env::TraceEvent& event) override { traced_.push_back(event); }
  // env::Replies
  void reply(std::uint64_t request, Buffer body) override {
    const auto it = replies_.find(request);
    if (it == replies_.end()) return;
    boost::asio::post(loop_, [callback = std::move(it->second), body] { callback(body); });
    replies_.erase(it);
  }
  // env::Log
  void write(env::LogLevel level, std::string_view line) override {
    if (options_.log) options_.log(level, line);
  }

  void request(Buffer body, std::function<void(const Buffer&)> on_reply) {
    const std::uint64_t id = next_request_++;
    replies_.emplace(id, std::move(on_reply));
    boost::asio::post(loop_, [this, id, body] { deliver(env::Request{id, body}); });
  }
  void admin(Buffer body) {
    boost::asio::post(loop_, [this, body] { deliver(env::Admin{body}); });
  }

  // What the compute interface of a node is here.
  class Jobs final : public env::Compute {
   public:
    explicit Jobs(Impl& host) : host_(host) {}
    std::uint64_t submit(const env::JobSpec& spec, env::Cookie cookie) override {
      return host_.workers_->submit(spec, cookie);
    }
    void cancel(std::uint64_t job) override { host_.workers_->cancel(job); }
    std::uint32_t device_class() const override { return host_.options_.device_class; }

   private:
    Impl& host_;
  };

  void read_clocks() const {
    mono_ = Time{std::chrono::duration_cast<std::chrono::nanoseconds>(Steady::now() - booted_)
                     .count()};
    wall_ = Time{utc_ns()} + offset_;
  }
  void moved() const {
#ifdef ORRERY_SEEDED_BUGS
    if (options_.clock_moves_in_handlers) read_clocks();
#endif
  }

  // Runs a handler between its two records; then lets observers see what it traced.
  template <class Begun, class Handler>
  void handle(const Begun& begun, Handler&& handler) {
    if (flight_ && !flight_->append(begun)) {
      return fail_with({ErrorCode::kIo, flight_->failure()});
    }
    handling_ = true;
    try {
      recorded_->begin(begun);
      handler();
    } catch (const env::StoreFailed& error) {
      handling_ = false;
      return fail_with({ErrorCode::kIo, error.what()});
    } catch (const std::exception& error) {
      handling_ = false;
      return fail_with({ErrorCode::kInternal, error.what()});
    }
    handling_ = false;
    ++events_;
    env::FlightAnswered answered = recorded_->end();
    if (flight_) flight_->append_later(std::move(answered));
    const std::vector<env::TraceEvent> traced = std::exchange(traced_, {});
    const Time now{wall_.ns - offset_.ns};
    for (const env::TraceEvent& event : traced) {
      for (env::TraceSink* sink : sinks_) sink->on_trace(now, options_.index, event);
    }
    if (!store_->failure().empty()) fail_with({ErrorCode::kIo, store_->failure()});
  }

  void fail_with(Error error) {
    write(env::LogLevel::kError, error.message);
    boost::asio::post(loop_, [this, error = std::move(error)] {
      if (!running_) return;
      stop();
      if (on_failure_) on_failure_(error);
    });
  }

  void wait_for_timer() {
    if (timers_.empty() || !running_) return;
    const Time at = timers_.begin()->first.first;
    // A timer for never stays armed and does not fire; so does one beyond what the clock can say.
    constexpr std::int64_t kFar = INT64_MAX / 4;
    timer_.expires_at(booted_ + std::chrono::nanoseconds(std::min(at.ns, kFar)));
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) fire();
    });
  }

  void fire() {
    read_clocks();
    while (running_ && !timers_.empty() && timers_.begin()->first.first <= mono_) {
      const auto first = timers_.begin();
      const env::TimerFired fired{first->first.second, first->second};
      instants_.erase(fired.timer);
      timers_.erase(first);
      deliver(fired);
    }
    wait_for_timer();
  }

  boost::asio::io_context& loop_;
  HostOptions options_;
  std::unique_ptr<env::Node> node_;
  boost::asio::steady_timer timer_;
  std::unique_ptr<FlightLog> flight_;  // outlives the store, whose syncs need it
  std::unique_ptr<RocksStore> store_;
  std::unique_ptr<TcpTransport> transport_;
  std::unique_ptr<Workers> workers_;
  env::Memo memo_;
  std::optional<Jobs> jobs_;
  std::optional<env::Env> inner_;
  std::optional<env::Recorded> recorded_;
  std::function<void(const Error&)> on_failure_;
  std::vector<env::TraceSink*> sinks_;

  std::uint64_t boot_ = 0;
  std::uint64_t random_seed_ = 0;
  Steady::time_point booted_;
  mutable Time mono_{};
  mutable Time wall_{};
  Duration offset_{};
  bool running_ = false;
  bool handling_ = false;
  std::uint64_t events_ = 0;
  std::map<std::pair<Time, std::uint64_t>, env::Cookie> timers_;
  std::map<std::uint64_t, Time> instants_;
  std::uint64_t next_timer_ = 1;
  std::map<std::uint64_t, RandomStream> streams_;
  std::vector<env::TraceEvent> traced_;
  std::map<std::uint64_t, std::function<void(const Buffer&)>> replies_;
  std::uint64_t next_request_ = 1;
};

Host::Host(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Host::~Host() = default;

Result<std::unique_ptr<Host>> Host::open(boost::asio::io_context& loop, HostOptions options,
                                         std::unique_ptr<env::Node> node) {
  auto impl = std::make_unique<Impl>(loop, std::move(options), std::move(node));
  TRY(impl->open());
  return std::unique_ptr<Host>(new Host(std::move(impl)));
}

void Host::start(std::function<void(const Error&)> on_failure) {
  impl_->start(std::move(on_failure));
}
void Host::stop() { impl_->stop(); }
const env::Node& Host::node() const { return *impl_->node_; }
env::Env& Host::env() { return *impl_->inner_; }
TcpTransport& Host::transport() { return *impl_->transport_; }
std::uint64_t Host::events() const { return impl_->events_; }
void Host::add_sink(env::TraceSink& sink) { impl_->sinks_.push_back(&sink); }
void Host::request(Buffer body, std::function<void(const Buffer&)> on_reply) {
  impl_->request(std::move(body), std::move(on_reply));
}
void Host::admin(Buffer body) { impl_->admin(std::move(body)); }
void Host::set_clock_offset(Duration offset) { impl_->offset_ = offset; }

}  // namespace orrery::live
