#include "cli/signals.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdint>

namespace logstone::cli {

SignalWaiter::SignalWaiter() {
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGINT);
  sigaddset(&mask, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &mask, nullptr);
  signals_.reset(::signalfd(-1, &mask, SFD_CLOEXEC));
  wakes_.reset(::eventfd(0, EFD_CLOEXEC));
}

SignalWaiter::Event SignalWaiter::wait() {
  while (true) {
    pollfd waited[] = {{signals_.get(), POLLIN, 0}, {wakes_.get(), POLLIN, 0}};
    if (::poll(waited, 2, -1) < 0) continue;
    if ((waited[0].revents & POLLIN) != 0) {
      signalfd_siginfo info;
      if (::read(signals_.get(), &info, sizeof info) > 0) return Event::kSignal;
    }
    if ((waited[1].revents & POLLIN) != 0) {
      std::uint64_t count = 0;
      if (::read(wakes_.get(), &count, sizeof count) > 0) return Event::kWoken;
    }
  }
}

void SignalWaiter::wake() {
  const std::uint64_t one = 1;
  // Cannot fail but by overflow, and then the waiter is woken anyway.
  (void)!::write(wakes_.get(), &one, sizeof one);
}

}  // namespace logstone::cli
