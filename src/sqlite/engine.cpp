// SPDX-License-Identifier: BSL-1.0
#include "engine.hpp"

#include "encoded_append.hpp"
#include "inside_scope.hpp"
#include "owned_append.hpp"

namespace cleave::sqlite::detail {

// An append without code of the application: whoever leads runs it.
struct engine::plain_append final : queued_write {
  plain_append(engine& owner, append_request const& what, encoded_append const& form)
      : queued_write(kind::plain, owner.deadline_us(), form.bytes()),
        engine_(owner),
        request(what),
        encoded(form) {}

  void apply() override { outcome = engine_.append_in_group(request, encoded); }
  void fail(error const& reason) override { outcome = unexpected(reason); }

  engine& engine_;
  append_request const& request;
  encoded_append const& encoded;
  result<appended> outcome;
};

// The same for one that nobody waits for. It ends its own life, or is kept for another append.
struct engine::detached_append final : queued_write {
  explicit detached_append(engine& owner) : queued_write(kind::detached, 0), engine_(owner) {}

  result<void> fill(append_request const& request, std::unique_ptr<append_completion> whom) {
    owned.assign(request);
    auto good = encoded.encode(owned.request());
    set(engine_.deadline_us(), owned.bytes() + encoded.bytes());
    completion = std::move(whom);
    return good;
  }
  void apply() override { outcome = engine_.append_in_group(owned.request(), encoded); }
  void fail(error const& reason) override { outcome = unexpected(reason); }
  void complete() noexcept override;

  engine& engine_;
  owned_append owned;
  encoded_append encoded;
  std::unique_ptr<append_completion> completion;
  result<appended> outcome;
};

// Completed asynchronous appends, whose memory serves the next ones: else each append is allocated by one thread, in seven pieces,
// and freed by another.
struct engine::spare_appends {
  static constexpr std::size_t most = 1'024;
  static constexpr std::size_t at_once = 64;       // so that the two threads seldom meet
  static constexpr std::size_t most_bytes = 4'096; // of an append that is kept

  spare_appends() {
    ready.reserve(most);
    given_back.reserve(at_once);
  }
  // nullptr when there is none. Any thread.
  std::unique_ptr<detached_append> take() noexcept {
    std::lock_guard const lock(mutex);
    if (ready.empty()) return nullptr;
    auto one = std::move(ready.back());
    ready.pop_back();
    return one;
  }
  // The queue's thread.
  void give_back(detached_append* done) noexcept {
    std::unique_ptr<detached_append> one(done);
    if (one->owned.bytes() + one->encoded.bytes() > most_bytes) return;
    given_back.push_back(std::move(one));
    if (given_back.size() < at_once) return;
    {
      std::lock_guard const lock(mutex);
      for (; !given_back.empty() && ready.size() < most; given_back.pop_back())
        ready.push_back(std::move(given_back.back()));
    }
    given_back.clear();
  }

  std::mutex mutex;
  std::vector<std::unique_ptr<detached_append>> ready;
  std::vector<std::unique_ptr<detached_append>> given_back;
};

void engine::detached_append::complete() noexcept {
  {
    inside_scope const scope(&engine_);
    completion->complete(std::move(outcome));
  }
  completion.reset();
  engine_.spares_->give_back(this);
}

// A function of the application, inside the transaction, on its caller's thread.
struct engine::application_write final : queued_write {
  application_write(engine& owner, std::size_t bytes, function_ref<result<void>(transaction&)> what)
      : queued_write(kind::own_thread, owner.deadline_us(), bytes), engine_(owner), work(what) {}

  void apply() override {
    inside_scope const scope(&engine_);
    transaction inside(engine_, engine_.writer_.file().db());
    outcome = engine_.writer_.run_application([&] { return work(inside); });
  }
  void fail(error const& reason) override { outcome = unexpected(reason); }

  engine& engine_;
  function_ref<result<void>(transaction&)> work;
  result<void> outcome;
};

// A decision: it needs no savepoint, and no thread of its own.
struct engine::decided_write final : queued_write {
  decided_write(engine& owner, function_ref<result<void>(commit_scope&)> what)
      : queued_write(kind::plain, owner.deadline_us()), engine_(owner), work(what) {}

  void apply() override {
    inside_scope const scope(&engine_);
    transaction inside(engine_, engine_.writer_.file().db());
    commit_scope decides(engine_, inside, encoded);
    try {
      outcome = work(decides);
    } catch (...) {
      outcome = unexpected(cleave::detail::current_exception_error("a decision inside a commit"));
    }
    if (outcome || !decides.appended_) return;
    // Its rows are there. The transaction goes with them; the queue repeats it without this write.
    auto const undone = inside.db_->execute("ROLLBACK");
    if (!undone) engine_.writer_.file().note_failure(undone.error());
  }
  void fail(error const& reason) override { outcome = unexpected(reason); }

  engine& engine_;
  function_ref<result<void>(commit_scope&)> work;
  encoded_append encoded; // until the rows are written
  result<void> outcome;
};

result<engine*> engine::open(event_store_options const& options) {
  auto const good = check_connections(options.path, options.readers, options.checkpoint_pages,
                                      options.durability);
  if (!good) return unexpected(good.error());
  auto file = write_file::open({.path = options.path,
                                .vfs = options.vfs,
                                .full = options.durability == durability::full,
                                .shared = options.shared,
                                .busy_wait_ms = options.busy_wait_ms,
                                .checkpoint_pages = options.checkpoint_pages,
                                .wal_limit_bytes = options.wal_limit_bytes,
                                .on_step = options.on_step},
                               event_store_schema);
  if (!file) return unexpected(std::move(file).error());
  std::unique_ptr<engine> made(new engine(options, std::unique_ptr<write_file>(*file)));
  // So that the first reader, and who waits for a position, starts from what is there.
  auto const head = read_head(made->writer_.file().db());
  if (!head) return unexpected(head.error());
  made->commits_.publish(*head);
  return made.release();
}

engine::engine(event_store_options const& options, std::unique_ptr<write_file> file)
    : options_(options),
      writer_(std::move(file), recent_, commits_),
      readers_({.path = options.path, .busy_wait_ms = options.busy_wait_ms, .vfs = options.vfs},
               options.readers),
      texts_(options.readers),
      spares_(std::make_unique<spare_appends>()),
      queue_(writer_, {.detached_writes = options.async_appends, .detached_bytes = options.async_bytes}) {}

engine::~engine() = default;

std::int64_t engine::deadline_us() const noexcept {
  return steady_us() + std::int64_t{options_.busy_wait_ms} * 1'000;
}

result<timestamp> engine::now() const {
  try {
    return options_.clock.now();
  } catch (...) {
    return unexpected(cleave::detail::current_exception_error("the store's clock"));
  }
}

result<void> engine::check_not_inside(std::string_view what) const {
  if (!inside_scope::inside(this)) return {};
  return unexpected(make_error(
      errc::invalid_argument,
      "{}: {} of the store was called inside a function that runs in its write transaction, or that it tells of a completed "
      "append; it would wait for itself: use the transaction, or async_append",
      options_.path, what));
}

result<appended> engine::append_in_group(append_request const& request, encoded_append const& encoded) {
  auto const at = now();
  if (!at) return unexpected(at.error());
  try {
    auto outcome = writer_.log().append(request, encoded, *at);
    if (writer_.log().broken()) writer_.file().note_failure(*writer_.log().broken());
    return outcome;
  } catch (...) {
    // Out of memory: rows may be there already, and the other members of the group wait for an answer.
    error failed(errc::limit_exceeded, "out of memory while appending",
                 cleave::detail::current_exception_error("an append"));
    writer_.file().note_failure(failed);
    return unexpected(std::move(failed));
  }
}

result<void> engine::async_append(append_request const& request,
                                  std::unique_ptr<append_completion> completion) {
  if (auto refused = writer_.file().refusal()) return unexpected(std::move(*refused));
  if (auto good = check_append(request); !good) return good;
  auto write = spares_->take();
  if (write == nullptr) write = std::make_unique<detached_append>(*this);
  if (auto good = write->fill(request, std::move(completion)); !good) return good;
  if (auto good = queue_.post(*write); !good) return good;
  [[maybe_unused]] auto const* const posted = write.release(); // the queue's now
  return {};
}

result<appended> engine::append(append_request const& request) {
  if (auto good = check_not_inside("append"); !good) return unexpected(std::move(good).error());
  if (auto refused = writer_.file().refusal()) return unexpected(std::move(*refused));
  if (auto good = check_append(request); !good) return unexpected(std::move(good).error());
  encoded_append encoded;
  if (auto good = encoded.encode(request); !good) return unexpected(std::move(good).error());
  plain_append write(*this, request, encoded);
  queue_.run(write);
  return std::move(write.outcome);
}

result<appended> engine::append(append_request const& request, event_store::inline_hook hook) {
  if (auto good = check_not_inside("append"); !good) return unexpected(std::move(good).error());
  if (auto refused = writer_.file().refusal()) return unexpected(std::move(*refused));
  if (auto good = check_append(request); !good) return unexpected(std::move(good).error());
  encoded_append encoded;
  if (auto good = encoded.encode(request); !good) return unexpected(std::move(good).error());
  result<appended> answer;
  // Named, because the write refers to it until it has run.
  auto const work = [&](transaction& inside) -> result<void> {
    answer = append_encoded(request, encoded, hook, inside);
    if (!answer) return unexpected(answer.error());
    return {};
  };
  application_write write(*this, encoded.bytes(), work);
  queue_.run(write);
  if (!write.outcome) return unexpected(std::move(write.outcome).error());
  return answer;
}

result<appended> engine::append_encoded(append_request const& request, encoded_append const& encoded,
                                        event_store::inline_hook hook, transaction& inside) {
  auto const at = now();
  if (!at) return unexpected(at.error());
  auto answer = writer_.log().append(request, encoded, *at);
  if (auto written = writer_.log().write_rows(); !written) return unexpected(std::move(written).error());
  if (!answer || answer->repeated || encoded.forms().empty()) return answer;
  if (auto good = run_hook(request, *answer, hook, inside); !good) return unexpected(std::move(good).error());
  return answer;
}

result<void> engine::run_hook(append_request const& request, appended const& answer,
                              event_store::inline_hook hook, transaction& inside) {
  // A copy: the hook may append, and then the writer's own list is another one.
  std::vector<version> const first = writer_.log().first_versions();
  std::uint64_t count = 0;
  for (stream_append const& part : request.streams) count += part.events.size();
  std::uint64_t at = answer.position.value() - count;
  for (std::size_t part = 0; part < request.streams.size(); ++part) {
    std::uint64_t last = first[part].value();
    for (new_event const& event : request.streams[part].events) {
      recorded_event const recorded{.at = {.position = position(++at),
                                           .stream = request.streams[part].stream,
                                           .version = version(last++),
                                           .name = event.name,
                                           .id = event.id,
                                           .recorded_at = answer.recorded_at,
                                           .tags = event.tags,
                                           .metadata = event.metadata},
                                    .type = event.type,
                                    .object = event.object,
                                    .data = event.data};
      if (auto good = hook(recorded, inside); !good) return good;
    }
  }
  return {};
}

result<void> engine::transact(function_ref<result<void>(transaction&)> work) {
  if (auto good = check_not_inside("transact"); !good) return good;
  if (auto refused = writer_.file().refusal()) return unexpected(std::move(*refused));
  application_write write(*this, 0, work);
  queue_.run(write);
  return std::move(write.outcome);
}

result<void> engine::decide_in_commit(function_ref<result<void>(commit_scope&)> work) {
  if (auto good = check_not_inside("decide_in_commit"); !good) return good;
  if (auto refused = writer_.file().refusal()) return unexpected(std::move(*refused));
  decided_write write(*this, work);
  queue_.run(write);
  return std::move(write.outcome);
}

result<appended> engine::append_decided(append_request const& request, encoded_append& encoded) {
  if (auto good = check_append(request); !good) return unexpected(std::move(good).error());
  if (auto good = encoded.encode(request, encoded_append::texts::copied); !good)
    return unexpected(std::move(good).error());
  return append_in_group(request, encoded);
}

result<appended> engine::append_now(append_request const& request, event_store::inline_hook hook,
                                    transaction& inside) {
  if (auto good = check_append(request); !good) return unexpected(std::move(good).error());
  encoded_append encoded;
  if (auto good = encoded.encode(request); !good) return unexpected(std::move(good).error());
  return append_encoded(request, encoded, hook, inside);
}

} // namespace cleave::sqlite::detail
