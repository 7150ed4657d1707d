/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file kernel.h  What lies below the debug subsystem: the interrupt descriptor table as data, and how a simulated
 *  kernel stops. */
#ifndef DBGKSIM_KERNEL_H
#define DBGKSIM_KERNEL_H

#include <dbgksim/dbgksim.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A gate of the interrupt descriptor table, which all threads of a machine share. */
struct dbgksim_gate {
  uint64_t offset;   /**< where it leads */
  uint16_t selector; /**< code segment of the handler; 10 is the kernel's */
  uint8_t ist;       /**< 0: the thread's kernel stack; 1 to 7: a stack of the TSS */
  uint8_t type;      /**< E interrupt gate, F trap gate; others are no gates */
  uint8_t dpl;       /**< 0 to 3: INT n needs 3 */
  bool present;
  char routine[32];  /**< NT's name of what is at `offset`, empty if nothing is; not read when a gate is written */
};

/** Reads a gate. DBGKSIM_BAD_ARGUMENT for a vector above 255. */
DBGKSIM_API enum dbgksim_status dbgksim_get_gate(dbgksim_machine *machine, unsigned vector, struct dbgksim_gate *gate);
/** Writes a gate, sound or not: the next event of that vector does what the processor would do with it.
 *  DBGKSIM_BAD_ARGUMENT for a vector above 255, and for a field that has more bits than its place. */
DBGKSIM_API enum dbgksim_status dbgksim_set_gate(dbgksim_machine *machine, unsigned vector,
                                                 const struct dbgksim_gate *gate);
/** The table's limit, the offset of its last byte: FFF for 256 gates. */
DBGKSIM_API enum dbgksim_status dbgksim_get_idt_limit(dbgksim_machine *machine, uint16_t *limit);
/** Changes the limit, up to FFF. A vector beyond it is #GP. */
DBGKSIM_API enum dbgksim_status dbgksim_set_idt_limit(dbgksim_machine *machine, uint16_t limit);
/** Address of a kernel routine that a gate can lead to, by its name, "KiBreakpointTrap". DBGKSIM_NOT_FOUND. */
DBGKSIM_API enum dbgksim_status dbgksim_find_routine(dbgksim_machine *machine, const char *name, uint64_t *address);

/** A bug check: the kernel gave up (DBGKSIM_BUGCHECK). The host does not. */
struct dbgksim_bugcheck {
  uint32_t code;         /**< 1E KMODE_EXCEPTION_NOT_HANDLED, 7F UNEXPECTED_KERNEL_MODE_TRAP, ... */
  uint64_t parameters[4];
  uint32_t pid, tid;     /**< of the thread that was running */
  const char *name;      /**< of the code, "KMODE_EXCEPTION_NOT_HANDLED"; NULL if unknown */
};
/** What a machine stopped with; it can be looked at as before, but nothing runs in it any more.
 *  DBGKSIM_NOT_FOUND: no bug check. */
DBGKSIM_API enum dbgksim_status dbgksim_get_bugcheck(dbgksim_machine *machine, struct dbgksim_bugcheck *bugcheck);
/** The same as text of several lines, as the blue screen has it; also for a triple fault, which has no code.
 *  DBGKSIM_NOT_FOUND: the machine has not stopped so. */
DBGKSIM_API enum dbgksim_status dbgksim_report_stop(dbgksim_machine *machine, char *out, size_t size);

#ifdef __cplusplus
}
#endif
#endif
