// A monotonic clock that can be made to run ahead, for a thread that would only spin until a time has come
// (docs/decisions/0023-a-clock-in-a-hurry.md).
#pragma once

struct hasty_clock;

struct hasty_clock *hasty_clock_new(void);
// Only when the thread that follows it has ended.
void hasty_clock_free(struct hasty_clock *clock);

// The calling thread reads its time from this clock from now on. A clock has one follower.
void hasty_clock_follow(struct hasty_clock *clock);

// In a hurry it moves ahead a bit whenever it is read, by a few milliseconds at most; else it shows the time. From any
// thread.
void hasty_clock_hurry(struct hasty_clock *clock, int is_in_a_hurry);
