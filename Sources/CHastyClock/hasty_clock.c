#define _GNU_SOURCE
#include "hasty_clock.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

// A wait of a millisecond is over after ten looks, and no clock is further ahead than two such waits and some.
#define STEP_NANOSECONDS 100000l
#define FARTHEST_NANOSECONDS 3000000l

struct hasty_clock {
  atomic_int is_in_a_hurry;
};

static _Thread_local struct hasty_clock *followed;
static _Thread_local long ahead;

struct hasty_clock *hasty_clock_new(void) { return calloc(1, sizeof(struct hasty_clock)); }

void hasty_clock_free(struct hasty_clock *clock) { free(clock); }

void hasty_clock_follow(struct hasty_clock *clock) { followed = clock; }

void hasty_clock_hurry(struct hasty_clock *clock, int is_in_a_hurry) {
  atomic_store_explicit(&clock->is_in_a_hurry, is_in_a_hurry, memory_order_release);
}

typedef int (*read_clock)(clockid_t, struct timespec *);

static read_clock clock_of_library(void) {
  static _Atomic(read_clock) known;
  read_clock found = atomic_load_explicit(&known, memory_order_relaxed);
  if (!found) {
    found = (read_clock)dlsym(RTLD_NEXT, "clock_gettime");
    atomic_store_explicit(&known, found, memory_order_relaxed);
  }
  return found;
}

// In the place of libc's: the dynamic linker finds a program's own function before those of its libraries.
int clock_gettime(clockid_t clock, struct timespec *time) {
  int result = clock_of_library()(clock, time);
  if (!followed || clock != CLOCK_MONOTONIC || result != 0) return result;
  if (!atomic_load_explicit(&followed->is_in_a_hurry, memory_order_acquire))
    ahead = 0;
  else if (ahead < FARTHEST_NANOSECONDS)
    ahead += STEP_NANOSECONDS;
  time->tv_nsec += ahead;
  if (time->tv_nsec >= 1000000000l) {
    time->tv_nsec -= 1000000000l;
    time->tv_sec++;
  }
  return result;
}
