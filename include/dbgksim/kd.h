/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file kd.h  The kernel debugger of a machine (docs/kernel-debugger.md): what programs say to it by debug services,
 *  and exceptions of programs that no other debugger has.
 *
 *  The configuration switches it on (dbgksim_config.kernel_debugger). When it has an event the whole machine stands
 *  still: calls that would let it run (dbgksim_run, dbgksim_wait) return DBGKSIM_KERNEL_DEBUGGER until the event is
 *  answered. Memory, contexts and lists can be read and written meanwhile. */
#ifndef DBGKSIM_KD_H
#define DBGKSIM_KD_H

#include <dbgksim/dbgksim.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Longest text of an event, and of the answer to a prompt, in bytes. */
#define DBGKSIM_KD_TEXT 512

enum dbgksim_kd_kind {
  DBGKSIM_KD_EXCEPTION = 1,
  DBGKSIM_KD_PRINT,          /**< DbgPrint */
  DBGKSIM_KD_PROMPT,         /**< DbgPrompt */
  DBGKSIM_KD_LOAD_SYMBOLS,   /**< DbgLoadImageSymbols */
  DBGKSIM_KD_UNLOAD_SYMBOLS, /**< DbgUnLoadImageSymbols */
  DBGKSIM_KD_COMMAND_STRING  /**< DbgCommandString */
};

/** One event. Fields that its kind does not have are 0. */
struct dbgksim_kd_event {
  enum dbgksim_kd_kind kind;
  uint32_t pid, tid;         /**< of the thread */
  bool kernel_mode;          /**< the exception came in kernel mode */
  bool first_chance;         /**< EXCEPTION */
  EXCEPTION_RECORD64 exception; /**< EXCEPTION; of a service: the breakpoint that it is */
  CONTEXT context;           /**< of the thread; Rip is the INT3, or behind the INT 2D */
  uint32_t component, level; /**< PRINT */
  uint32_t reply_maximum;    /**< PROMPT: bytes that there is room for */
  uint64_t base, process_id; /**< LOAD and UNLOAD_SYMBOLS: of the KD_SYMBOLS_INFO */
  uint32_t checksum, size_of_image;
  uint32_t length;           /**< bytes of text */
  uint32_t command_length;   /**< bytes of command */
  char text[DBGKSIM_KD_TEXT + 1];    /**< what is printed or asked; a file's name; a command string's; a NUL follows */
  char command[DBGKSIM_KD_TEXT + 1]; /**< COMMAND_STRING: the command */
};

/** How an event is answered. */
struct dbgksim_kd_answer {
  NTSTATUS status;        /**< EXCEPTION: DBG_CONTINUE, or DBG_EXCEPTION_NOT_HANDLED: it goes on to the program */
  const CONTEXT *context; /**< NULL: unchanged. A continued INT3 is met again unless its Rip is moved */
  const char *reply;      /**< PROMPT: cut to reply_maximum; NULL: empty */
  bool break_in;          /**< PRINT: the caller gets STATUS_BREAKPOINT, which makes DbgPrint break */
};

/** Lets the machine run until the kernel debugger has an event. An event that was not answered is returned again. Not
 *  from a native thread.
 *  @param timeout_ns  virtual; negative waits for ever
 *  @return DBGKSIM_NO_PROCESS: no program is left; DBGKSIM_BAD_ARGUMENT: there is no kernel debugger; else as
 *  dbgksim_run */
DBGKSIM_API enum dbgksim_status dbgksim_kd_wait(dbgksim_machine *machine, int64_t timeout_ns,
                                                struct dbgksim_kd_event *event);
/** Answers the event and lets the machine go; it runs with the next call that waits. NULL: exceptions are not handled,
 *  prompts get an empty reply. DBGKSIM_BAD_ARGUMENT: there is no event, or the status is neither of the two. */
DBGKSIM_API enum dbgksim_status dbgksim_kd_continue(dbgksim_machine *machine, const struct dbgksim_kd_answer *answer);
/** Name of a kind, "PRINT". */
DBGKSIM_API const char *dbgksim_kd_kind_name(enum dbgksim_kd_kind kind);

#ifdef __cplusplus
}
#endif

#endif
