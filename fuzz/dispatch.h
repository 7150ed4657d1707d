/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file dispatch.h  One case of fuzz_dispatch: the process under test, the debugger's part, and what else may be
 *  changed about the machine. */
#ifndef FUZZ_DISPATCH_H
#define FUZZ_DISPATCH_H

#include "fuzz_kit.h"

#include "dbgk/dbgk.h"

/** Where the pages lie that inputs fill (fuzz_dispatch.c); fuzz_guest.c makes them. */
#define FUZZ_PAGES 0x20000000ull
#define FUZZ_PAGE_COUNT 16u
/** Views of a file, read-only and write-copy, made by the target. */
#define FUZZ_VIEW 0x20010000ull
#define FUZZ_COPY_VIEW 0x20020000ull
/** Code of fuzz_guest.c: mov r10, rcx; syscall; int3. */
#define FUZZ_SERVICE_CALL (FUZZ_PAGES + 0x1FF0)
/** Code of fuzz_guest.c: int 2e; int3. */
#define FUZZ_SERVICE_INT (FUZZ_PAGES + 0x1FE0)
/** What fuzz_guest.c's handlers do: struct control there. */
#define FUZZ_CONTROL (FUZZ_PAGES + 0x2000)
/** Where a service's CONTEXT and EXCEPTION_RECORD are put, unless the input says otherwise. */
#define FUZZ_CONTEXT (FUZZ_PAGES + 0x3000)
#define FUZZ_RECORD (FUZZ_PAGES + 0x4000)

/** Ends of a machine that something in the input has made possible, bits. */
#define DISPATCH_MAY_BUGCHECK 1u   /**< a gate was changed */
#define DISPATCH_MAY_LOSE_ENTRY 2u /**< LSTAR was written */

struct dbgksim_monitor;

/** Made by `prepare`; `object` is 0 once the debugger has left. */
struct dispatch_case {
  EPROCESS *process;
  ETHREAD *thread;
  HANDLE process_handle, thread_handle, object;
  DBGUI_WAIT_STATE_CHANGE stopped;   /**< the event that the process waits in: read, not continued */
  HANDLE exception_port, error_port; /**< 0: closed */
  uint64_t lstar;                    /**< as it was before the case */
  unsigned allowed;                  /**< DISPATCH_MAY_* */
  struct fuzz_input *in;
  struct dbgksim_monitor *monitor;
  bool error_port_is_set, leaves; /**< the debugger leaves once it has continued */
};
extern struct dispatch_case dispatch;

/* ---- fuzz_dispatch.c ---- */

/** A number of the input: 1 byte form, then what the form takes. */
uint64_t dispatch_value(struct fuzz_input *in);
/** Reads a list of registers into a context: 1 byte n, then which, form, value. */
void dispatch_registers(struct fuzz_input *in, CONTEXT *context);
/** Writes bytes of the input to the pages of the debuggee: 2 bytes offset, 1 byte n, n bytes. */
void dispatch_write_memory(struct fuzz_input *in);
/** Copies bytes to the debuggee; what cannot be written is left out. */
void dispatch_put(ULONG64 address, const void *bytes, size_t size);
/** From now on the interrupt descriptor table is to stay as it is. */
void dispatch_keep_idt(void);
/** Between the two the machine's public interface can be called. */
void dispatch_leave_machine(void);
void dispatch_enter_machine(void);

/* ---- dispatch_answer.c ---- */

/** Closes the handles that came with an event. */
void dispatch_close_handles(const DBGUI_WAIT_STATE_CHANGE *change);
/** Answers an event as the input says; changes the debuggee before, or leaves it. */
void dispatch_answer(struct fuzz_input *in, const DBGUI_WAIT_STATE_CHANGE *event);
/** Ends debugging: detaches, or just closes the debug object. */
void dispatch_leave_process(bool detach);

/* ---- dispatch_change.c ---- */

/** Changes something about the machine, the process or a stopped thread, as the input says. */
void dispatch_change(struct fuzz_input *in, HANDLE thread);
/** Undoes what would outlive the case. */
void dispatch_undo_changes(void);

/* ---- dispatch_machine.c ---- */

/** Changes a gate of the interrupt descriptor table, or its limit. */
void dispatch_change_gate(struct fuzz_input *in);
/** Writes a model-specific register. */
void dispatch_write_msr(struct fuzz_input *in);
/** Makes LSTAR what it was at the first call. */
void dispatch_repair_lstar(void);
/** Puts a monitor in LSTAR's place, or takes it out. */
void dispatch_change_monitor(struct fuzz_input *in);
/** Makes the process a Pico process, or no more one. */
void dispatch_change_pico(struct fuzz_input *in);
/** Registers the provider of Pico processes; it decides by the input. */
void dispatch_register_pico(void);
/** Puts a kernel debugger behind KiDebugRoutine. */
void dispatch_use_kernel_debugger(bool ignores_user_exceptions, bool stops_on_exception);
/** Answers the kernel debugger's event, if there is one. */
bool dispatch_answer_kernel_debugger(struct fuzz_input *in);

/* ---- dispatch_ports.c ---- */

/** Makes the two ports. */
void dispatch_make_ports(void);
/** Gives the process the exception port, or makes the other one the error port, or closes one. */
void dispatch_change_port(struct fuzz_input *in);
/** Answers a message of the ports. False: none has come. */
bool dispatch_serve_ports(struct fuzz_input *in);
/** Forgets what was received and not answered. */
void dispatch_forget_messages(void);
/** Takes the error port away from the machine. */
void dispatch_forget_error_port(void);

/* ---- dispatch_service.c ---- */

/** Lets a stopped thread call a service with what the input gives. */
void dispatch_call_service(struct fuzz_input *in, HANDLE thread);
/** Sets a stopped thread's stack pointer. */
void dispatch_set_stack(struct fuzz_input *in, HANDLE thread);
/** Looks up the numbers of services. */
void dispatch_find_services(void);

#endif
