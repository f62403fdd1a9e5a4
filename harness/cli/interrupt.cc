#include "harness/cli/interrupt.h"

#include <csignal>

namespace orrery::cli {
namespace {

volatile std::sig_atomic_t interrupted = 0;
void on_interrupt(int) { interrupted = 1; }

}  // namespace

std::function<bool()> catch_interrupts() {
  interrupted = 0;
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  return [] { return interrupted != 0; };
}

}  // namespace orrery::cli
