// SPDX-License-Identifier: BSL-1.0
// expect: cleave: a middleware cannot stand around this command or query: add `auto around(Message const&, Context const&, Next&& next)` that returns what next(context) returns
// expect: cleave: `validate` of a command or query returns std::optional<cleave::rejection>: why it is not valid, or nothing
// expect: cleave: `allows` of the rules of an authorisation returns bool: true, and the command or query goes on
// expect: cleave: the observer of logging{...} hears of each command or query: add `void on(cleave::handled const&)`
// expect: cleave: a command with an idempotency_key has a stored name: specialise cleave::command_name for it
#include <cleave/command/outcome.hpp>
#include <cleave/middleware/authorisation.hpp>
#include <cleave/middleware/idempotency.hpp>
#include <cleave/middleware/logging.hpp>
#include <cleave/middleware/validation.hpp>

#include <string>

#ifdef CLEAVE_MUST_FAIL
#define ONLY_RIGHT(...)
#define WRONG_OR_RIGHT(wrong, right) wrong
#else
#define ONLY_RIGHT(...) __VA_ARGS__
#define WRONG_OR_RIGHT(wrong, right) right
#endif

struct command {
  ONLY_RIGHT(static constexpr std::string_view command_name = "command";)
  std::string idempotency_key() const { return "key"; }
};
struct checked {
  WRONG_OR_RIGHT(bool, std::optional<cleave::rejection>) validate() const { return {}; }
};
struct idle {
  template <class M, class Context, class Next>
  WRONG_OR_RIGHT(bool, auto)
  around(M const&, Context const& context, Next&& next) {
    return WRONG_OR_RIGHT(true, next(context));
    static_cast<void>(next(context));
  }
};
struct rules {
  WRONG_OR_RIGHT(int, bool) allows(cleave::principal const&, command const&) const { return true; }
};
struct observer {
  ONLY_RIGHT(void on(cleave::handled const&){})
};

template <class C, class Layer> bool executes(Layer layer) {
  cleave::middleware_chain chain{layer};
  return chain
      .run(C{}, cleave::no_context,
           [](cleave::command_context const&) -> cleave::command_result { return cleave::committed{}; })
      .has_value();
}

int main() {
  return static_cast<int>(executes<command>(idle{})) + executes<checked>(cleave::validation{}) +
         executes<command>(cleave::authorisation{rules{}}) + executes<command>(cleave::logging{observer{}}) +
         executes<command>(cleave::idempotency{});
}
