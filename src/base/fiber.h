/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file fiber.h  Stackful coroutines: the host stack of a simulated thread is its kernel stack (DESIGN 1.2). */
#ifndef BASE_FIBER_H
#define BASE_FIBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** One flow of control. The caller's own stack is a fiber too (fiber_adopt). */
typedef struct fiber {
  void *context;            /**< saved stack position while not running */
  void *stack_low;          /**< lowest address of the stack */
  size_t stack_size;        /**< bytes */
  void (*entry)(void *arg); /**< never returns; it ends by switching away for good */
  void *argument;
  void *asan_fake_stack; /**< sanitizer's book-keeping while switched out */
  bool started;
} fiber;

/** Stacks of one size out of one reserved region, each with an inaccessible page below it. */
typedef struct fiber_stacks fiber_stacks;

/** Bytes of one fiber's stack (64 KB; 256 KB under AddressSanitizer). */
extern const size_t fiber_stack_size;

/** Reserves room for `max_stacks` stacks. NULL: no address space. */
fiber_stacks *fiber_stacks_create(size_t max_stacks);
/** Gives the region back; no fiber of it may be running. */
void fiber_stacks_destroy(fiber_stacks *s);
/** Takes a stack. NULL: none left. */
void *fiber_stack_take(fiber_stacks *s);
/** Returns a stack; it is unpoisoned for its next user. */
void fiber_stack_return(fiber_stacks *s, void *stack);
/** Fills every unused stack byte that is taken from now on with `fill` (determinism test). */
void fiber_stacks_prefill(fiber_stacks *s, uint8_t fill);

/** The used parts of stacks at some moment. */
typedef struct fiber_stacks_copy fiber_stacks_copy;
/** Copies the book-keeping, and of the stack of each of `count` fibers that do not run what lies above its stack
 *  pointer. NULL: no memory. */
fiber_stacks_copy *fiber_stacks_save(const fiber_stacks *s, const fiber *const fibers[], size_t count);
/** Puts everything back in place; the fibers' own records are the caller's to restore. */
void fiber_stacks_restore(fiber_stacks *s, const fiber_stacks_copy *copy);
/** Frees a copy; NULL is allowed. */
void fiber_stacks_copy_free(fiber_stacks_copy *copy);

/** Prepares a fiber on `stack` (fiber_stack_size bytes) that will run entry(argument) at its first switch. */
void fiber_init(fiber *f, void *stack, void (*entry)(void *), void *argument);
/** Makes `f` stand for the caller's own stack; call anew at each entry into a machine. */
void fiber_adopt(fiber *f);
/** Leaves `from` (the running fiber) and continues `to`; returns when something switches back to `from`. */
void fiber_switch(fiber *from, fiber *to);
/** Like fiber_switch, for a fiber that will never run again. */
_Noreturn void fiber_exit_to(fiber *from, fiber *to);

#endif
