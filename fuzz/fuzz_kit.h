/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file fuzz_kit.h  What the fuzz targets share: the bytes of a case, one machine that is put back to the same state
 *  before each case, what must be left after one, and how a finding is reported. */
#ifndef FUZZ_FUZZ_KIT_H
#define FUZZ_FUZZ_KIT_H

#include "machine/machine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A host address as a service takes it. */
#define AT(pointer) ((ULONG64)(uintptr_t)(pointer))

/** Bytes of a case. Once they are used up, more read as zero. */
struct fuzz_input {
  const uint8_t *bytes;
  size_t size, at;
};
/** The next byte. */
uint8_t fuzz_byte(struct fuzz_input *in);
/** The next `n` bytes as a little-endian number; n is at most 8. */
uint64_t fuzz_number(struct fuzz_input *in, unsigned n);
/** Copies the next `n` bytes. */
void fuzz_bytes(struct fuzz_input *in, void *to, size_t n);
/** True when no byte is left. */
bool fuzz_used_up(const struct fuzz_input *in);
/** Takes the next `n` bytes as an input of their own; fewer if fewer are left. */
struct fuzz_input fuzz_part(struct fuzz_input *in, size_t n);

/** A fuzz target; each program has one. All its functions run inside the machine, on the host's thread. */
struct fuzz_target {
  const char *name;
  /** Changes the configuration of the machine. May be NULL. */
  void (*configure)(struct dbgksim_config *config);
  /** Brings a fresh machine into the state that each case starts from. */
  void (*prepare)(void);
  /** Runs one case and ends everything that it or `prepare` has started. */
  void (*run)(struct fuzz_input *in);
  /** A case that is run before the first one: what it allocates for good (tables that only grow) is no leak. */
  const uint8_t *warm_up;
  size_t warm_up_size;
};
/** Defined by the target's own file. */
extern const struct fuzz_target fuzz_target;

/** Ends the program with a message and the machine's waits, by abort: every fuzzing engine takes this for a crash. */
_Noreturn void fuzz_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** fuzz_fail unless the condition holds. */
#define FUZZ_CHECK(condition, ...) ((condition) ? (void)0 : fuzz_fail(__VA_ARGS__))

/** The machine that the cases run in. */
dbgksim_machine *fuzz_machine(void);
/** Gives the case another era of the debug subsystem: 0 and 1 Windows 10, 2 Windows 7, 3 XP. */
void fuzz_set_era(unsigned number);
/** Folder with ntdll.dll and the guest's program: FUZZ_USERLAND, the folder "userland" beside the running program, or
 *  the build's. */
const char *fuzz_userland(void);
/** Fails if objects, handles or blocks of the pool are left that were not there after the warm-up, if a thread or a
 *  process lives that did not then, or if the machine has stopped. */
void fuzz_check_nothing_left(void);

/** Before the first case: from now on fuzz_digest tells cases apart by all that passed the kernel's probe points. */
void fuzz_keep_digest(void);
/** Before the first case: a function that sees each record of a case's trace. */
void fuzz_watch(dbgksim_trace_fn *fn, void *context);
/** Digest of the last case's trace. */
uint64_t fuzz_digest(void);

/** Makes the machine, or puts it back to what it was before the first case. What this executes depends on the case
 *  before: a fuzzing engine should not count it. */
void fuzz_begin(void);
/** Runs one case, after fuzz_begin. */
void fuzz_case(const uint8_t *data, size_t size);
/** Both: the entry point of libFuzzer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
