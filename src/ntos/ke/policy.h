/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file policy.h  Scheduling policies as data: a schedule is the list of answers that a policy gave (DESIGN 1.5).
 *
 *  Every question that the scheduler asks with two or more ready threads is a *choice*, numbered from 1. Each has a
 *  default answer: the running thread goes on, or at a wait the longest ready thread runs, or at a quantum end or yield
 *  the longest ready thread takes over. A schedule is told apart by where it deviates from the defaults, and that is what
 *  its replay string lists: "s1:17=1,23=2" says that at choice 17 the thread at place 1 of the ready list ran, at choice
 *  23 the one at place 2. "s1:" is the schedule without deviations.
 *
 *  A deviation *costs a preemption* where the running thread could have gone on; at waits, quantum ends and yields
 *  anybody may run free of cost. */
#ifndef NTOS_KE_POLICY_H
#define NTOS_KE_POLICY_H

#include "ntos/ke/ke.h"

enum ke_schedule_mode {
  KE_SCHEDULE_FOLLOW,     /**< the steps that are given, then defaults */
  KE_SCHEDULE_RANDOM      /**< seeded random answers */
};

/** One choice of a schedule. */
struct ke_step {
  uint8_t point;  /**< enum ke_choice_point */
  uint8_t ready;  /**< how many could run */
  uint8_t answer; /**< which one ran; KE_STEP_DEFAULT in a step to follow: the default */
  uint8_t cost;   /**< preemptions up to and with this one, at most 255 */
};
#define KE_STEP_DEFAULT 255u

/** A schedule that is being run or was run. It lies outside of the machine, whose memory a restore puts back. */
struct ke_schedule {
  struct ke_step *steps; /**< the caller's */
  size_t capacity;       /**< choices beyond it get their defaults, and are not noted */
  size_t count;          /**< choices so far */
  size_t follow;         /**< the first steps, whose answers are given */
  enum ke_schedule_mode mode;
  uint64_t random;       /**< state of the generator */
  unsigned rarity;       /**< a random preemption happens once in 2^rarity choices */
  bool diverged;         /**< a given answer named a thread that was not there */
};

/** Longest replay string, with its end. */
#define KE_REPLAY_SIZE 512

/** Makes a schedule of no choices in `steps`. */
void ke_schedule_init(struct ke_schedule *schedule, struct ke_step *steps, size_t capacity);
/** The policy that runs a schedule; the schedule must stay in place. */
struct ke_policy ke_schedule_policy(struct ke_schedule *schedule);
/** Prepares a run with random answers. */
void ke_schedule_random(struct ke_schedule *schedule, uint64_t seed);
/** Prepares the schedule after the one that was run, depth first, among those with at most `bound` preemptions. False:
 *  that was the last. */
bool ke_schedule_next(struct ke_schedule *schedule, unsigned bound);
/** Prepares to run the schedule again that was run. */
void ke_schedule_again(struct ke_schedule *schedule);
/** Preemptions of the schedule that was run. */
unsigned ke_schedule_preemptions(const struct ke_schedule *schedule);
/** Answers of the schedule that was run that are not defaults. */
size_t ke_schedule_deviations(const struct ke_schedule *schedule);
/** Writes the replay string of the schedule that was run. False: it does not fit. */
bool ke_schedule_print(const struct ke_schedule *schedule, char *out, size_t size);
/** Prepares the schedule of a replay string. False, with a reason that does not change: it is none. */
bool ke_schedule_parse(struct ke_schedule *schedule, const char *text, const char **why);

#endif
