/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual time: blocks executed, plus jumps of an idle machine to its next timer. */
#include "ntos/ke/internal.h"

#include <string.h>

#define NANOSECONDS_PER_UNIT 100u
/* KUSER_SHARED_DATA offsets. */
#define USER_SHARED_INTERRUPT_TIME 0x08
#define USER_SHARED_SYSTEM_TIME 0x14
#define USER_SHARED_TICK_COUNT 0x320
/** One tick is 15.625 ms, as TickCountMultiplier 0x0FA00000 says. */
#define UNITS_PER_TICK 156250u

ULONG64 ke_nanoseconds(void)
{
  return ki_state()->nanoseconds;
}

/* When an interrupt time comes, in nanoseconds of the machine; 0 for one before its first instruction. */
static ULONG64 nanoseconds_at(ULONG64 interrupt_time)
{
  return interrupt_time > KE_START_UPTIME ? (interrupt_time - KE_START_UPTIME) * NANOSECONDS_PER_UNIT : 0;
}

ULONG64 KeQueryInterruptTime(void)
{
  return KE_START_UPTIME + ki_state()->nanoseconds / NANOSECONDS_PER_UNIT;
}

ULONG64 KeQuerySystemTime(void)
{
  return KE_BOOT_TIME + KeQueryInterruptTime();
}

void ke_charge_blocks(ULONG64 blocks)
{
  struct ke_state *ke = ki_state();
  ke->nanoseconds += blocks * KE_NANOSECONDS_PER_BLOCK;
  ke->blocks += blocks;
  ke->quantum_left -= blocks < ke->quantum_left ? blocks : ke->quantum_left;
  if (ke->budget_limited)
    ke->budget_left -= blocks < ke->budget_left ? blocks : ke->budget_left;
  KeGetCurrentThread()->CycleTime += blocks;
  ki_check_stop_point(ke);
}

ULONG64 ke_block_allowance(bool *over)
{
  struct ke_state *ke = ki_state();
  ULONG64 allowance = ke->quantum_left, due;
  if (ki_next_timer(&due)) {
    ULONG64 due_ns = nanoseconds_at(due);
    ULONG64 blocks = due_ns > ke->nanoseconds
                         ? (due_ns - ke->nanoseconds + KE_NANOSECONDS_PER_BLOCK - 1) / KE_NANOSECONDS_PER_BLOCK
                         : 0;
    if (blocks < allowance)
      allowance = blocks;
  }
  if (ke->budget_limited && ke->budget_left < allowance)
    allowance = ke->budget_left;
  if (ke->stop_at.blocks > ke->blocks && ke->stop_at.blocks - ke->blocks < allowance)
    allowance = ke->stop_at.blocks - ke->blocks;
  *over = !allowance;
  return allowance ? allowance : 1;
}

void ke_set_shared_data(UCHAR *page)
{
  ki_state()->shared_data = page;
}

static void write_system_time(UCHAR *at, ULONG64 value)
{
  ULONG low = (ULONG)value, high = (ULONG)(value >> 32);
  memcpy(at, &low, 4);
  memcpy(at + 4, &high, 4);
  memcpy(at + 8, &high, 4);
}

void KeUpdateSharedTime(void)
{
  UCHAR *page = ki_state()->shared_data;
  if (!page)
    return;
  ULONG64 now = KeQueryInterruptTime();
  write_system_time(page + USER_SHARED_INTERRUPT_TIME, now);
  write_system_time(page + USER_SHARED_SYSTEM_TIME, KE_BOOT_TIME + now);
  write_system_time(page + USER_SHARED_TICK_COUNT, now / UNITS_PER_TICK);
}

/* ---- the timer heap ---- */

static bool earlier(const KTIMER *a, const KTIMER *b)
{
  return a->DueTime != b->DueTime ? a->DueTime < b->DueTime : a->sequence < b->sequence;
}

static void place(struct ke_state *ke, size_t i, KTIMER *timer)
{
  ke->timers[i] = timer;
  timer->heap_index = (ULONG)i + 1;
}

static void sift_up(struct ke_state *ke, size_t i, KTIMER *timer)
{
  while (i && earlier(timer, ke->timers[(i - 1) / 2])) {
    place(ke, i, ke->timers[(i - 1) / 2]);
    i = (i - 1) / 2;
  }
  place(ke, i, timer);
}

static void sift_down(struct ke_state *ke, size_t i, KTIMER *timer)
{
  for (size_t child; (child = 2 * i + 1) < ke->timer_count; i = child) {
    if (child + 1 < ke->timer_count && earlier(ke->timers[child + 1], ke->timers[child]))
      child++;
    if (!earlier(ke->timers[child], timer))
      break;
    place(ke, i, ke->timers[child]);
  }
  place(ke, i, timer);
}

void ki_insert_timer(KTIMER *Timer, ULONG64 DueTime)
{
  struct ke_state *ke = ki_state();
  if (ke->timer_count == ke->timer_capacity) {
    size_t capacity = ke->timer_capacity ? ke->timer_capacity * 2 : 64;
    KTIMER **timers = ExReallocatePool(ke->timers, capacity * sizeof(KTIMER *), POOL_TAG('T', 'i', 'm', 'h'));
    if (!timers) {
      ke_stop(KE_INTERNAL_ERROR);
      return;
    }
    ke->timers = timers;
    ke->timer_capacity = capacity;
  }
  Timer->DueTime = DueTime;
  Timer->sequence = ++ke->timer_sequence;
  sift_up(ke, ke->timer_count++, Timer);
}

void ki_remove_timer(KTIMER *Timer)
{
  struct ke_state *ke = ki_state();
  if (!Timer->heap_index)
    return;
  size_t i = Timer->heap_index - 1;
  KTIMER *last = ke->timers[--ke->timer_count];
  Timer->heap_index = 0;
  if (last == Timer)
    return;
  if (i && earlier(last, ke->timers[(i - 1) / 2]))
    sift_up(ke, i, last);
  else
    sift_down(ke, i, last);
}

bool ki_next_timer(ULONG64 *due)
{
  struct ke_state *ke = ki_state();
  if (!ke->timer_count)
    return false;
  *due = ke->timers[0]->DueTime;
  return true;
}

void ki_advance_to(ULONG64 due)
{
  struct ke_state *ke = ki_state();
  if (nanoseconds_at(due) > ke->nanoseconds)
    ke->nanoseconds = nanoseconds_at(due);
}

ULONG64 ki_due_time(LONG64 Timeout)
{
  ULONG64 now = KeQueryInterruptTime();
  /* Beyond this a due time could not be turned into nanoseconds; it is 29,000 years away. */
  const ULONG64 far = UINT64_MAX / NANOSECONDS_PER_UNIT / 2;
  if (Timeout < 0) {
    ULONG64 span = (ULONG64)0 - (ULONG64)Timeout;
    return span > far - now ? far : now + span;
  }
  ULONG64 due = (ULONG64)Timeout > KE_BOOT_TIME ? (ULONG64)Timeout - KE_BOOT_TIME : 0;
  return due > far ? far : due;
}

void KiExpireTimers(void)
{
  ULONG64 due;
  while (ki_next_timer(&due) && due <= KeQueryInterruptTime()) {
    KTIMER *timer = ki_state()->timers[0];
    ki_remove_timer(timer);
    if (timer->Period)
      ki_insert_timer(timer, due + (ULONG64)timer->Period * 10000);
    if (timer->fired) {
      timer->fired(timer);
      continue;
    }
    timer->Header.SignalState = 1;
    if (timer->Apc)
      KeInsertQueueApc(timer->Apc, (ULONG)(KE_BOOT_TIME + due), (KE_BOOT_TIME + due) >> 32);
    KiWaitTest(&timer->Header);
  }
}

ULONG64 ke_random(const char *stream)
{
  struct ke_state *ke = ki_state();
  struct ke_random_stream *s = NULL;
  for (unsigned i = 0; i < KE_RANDOM_STREAMS && !s; i++) {
    if (!ke->streams[i].name) {
      ke->streams[i].name = stream;
      ke->streams[i].state = ke->seed;
      for (const char *c = stream; *c; c++)
        ke->streams[i].state = (ke->streams[i].state ^ (unsigned char)*c) * 0x100000001B3ull;
      s = &ke->streams[i];
    } else if (!strcmp(ke->streams[i].name, stream)) {
      s = &ke->streams[i];
    }
  }
  if (!s)
    return 0;
  /* splitmix64 */
  uint64_t z = s->state += 0x9E3779B97F4A7C15ull;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ z >> 27) * 0x94D049BB133111EBull;
  return z ^ z >> 31;
}
