/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file trap.h  From the processor into the kernel and back: IDT, trap frames, exception dispatch, user frames, the
 *  system service entry, the user-mode loop (spec/1, spec/2). */
#ifndef NTOS_TRAP_TRAP_H
#define NTOS_TRAP_TRAP_H

#include "ntos/inc/frames.h"
#include "ntos/inc/services.h"
#include "ntos/ps/ps.h"

/** User-mode addresses in ntdll that the kernel enters; 0: the userland has none. */
struct user_entry_points {
  ULONG64 LdrInitializeThunk, RtlUserThreadStart;
  ULONG64 KiUserExceptionDispatcher, KiUserApcDispatcher, KiRaiseUserExceptionDispatcher;
  bool apc_dispatcher_is_called; /**< Wine 8's KiUserApcDispatcher begins like a function that was called */
};

/** Service numbers of any ntdll are below this. */
#define TRAP_MAX_SERVICES 0x2000u

/** Sets up IDT, GDT's TSS, MSRs and the handlers' addresses in the kernel arena. False: no memory. */
bool KiInitializeTrapSystem(void);
/** Sets the entry points (read from the mapped ntdll). */
void trap_set_entry_points(const struct user_entry_points *points);
const struct user_entry_points *trap_entry_points(void);
/** Adds a family of services to those that are known by name. False: no memory. */
bool KeAddSystemServiceTable(const struct svc_entry *table);
/** Says which service a number of the mapped ntdll is; unknown names get STATUS_NOT_IMPLEMENTED, logged once. */
bool trap_bind_service(ULONG number, const char *name);
/** Name of a service number, NULL if none. */
const char *trap_service_name(ULONG number);

/** Gives a thread its processor state: kernel stack slot, register file, trap frame from `context`. */
NTSTATUS KiInitializeContextThread(ETHREAD *Thread, const CONTEXT *context);
/** Gives the slot and the register file back. */
void KiDeleteContextThread(ETHREAD *Thread);
/** Lays out a copy of the thread's context on its user stack and makes it enter `entry` with rcx = that CONTEXT,
 *  rdx = `argument` (LdrInitializeThunk, spec/7.1). STATUS_ACCESS_VIOLATION, STATUS_STACK_OVERFLOW. */
NTSTATUS KiInitializeUserThunk(ETHREAD *Thread, ULONG64 entry, ULONG64 argument);
/** Runs the current thread's user code; returns never, the thread ends by its exit APC. */
_Noreturn void KiUserModeLoop(void);

/** Fills the parts of a CONTEXT that ContextFlags asks for from the frames of a thread that is not running user code. */
void KeContextFromKframes(const KTRAP_FRAME *TrapFrame, const KEXCEPTION_FRAME *ExceptionFrame, KTHREAD *Thread,
                          CONTEXT *Context);
/** Writes the parts of a CONTEXT back; segments stay, EFLAGS and debug registers are sanitised (spec/2.5).
 *  UserMode: on behalf of user mode (NtSetContextThread, NtContinue). */
void KeContextToKframes(KTRAP_FRAME *TrapFrame, KEXCEPTION_FRAME *ExceptionFrame, KTHREAD *Thread,
                        const CONTEXT *Context, KPROCESSOR_MODE PreviousMode);
/** The same by thread, for NtGet/SetContextThread. STATUS_UNSUCCESSFUL for a thread that has ended. */
NTSTATUS PsGetContextThread(ETHREAD *Thread, CONTEXT *Context);
NTSTATUS PsSetContextThread(ETHREAD *Thread, const CONTEXT *Context);

/** Dispatches an exception (spec/2.1). The frames say where the thread is and, afterwards, where it goes on. */
void KiDispatchException(EXCEPTION_RECORD64 *ExceptionRecord, KEXCEPTION_FRAME *ExceptionFrame, KTRAP_FRAME *TrapFrame,
                         KPROCESSOR_MODE PreviousMode, BOOLEAN FirstChance);
/** Makes the running service return into KiRaiseUserExceptionDispatcher with `Status`; returns Status. */
NTSTATUS KeRaiseUserException(NTSTATUS Status);
/** The body of NtContinue: loads `ContextRecord` (user address) into the frames; its status is seen only if negative. */
NTSTATUS KiContinue(ULONG64 ContextRecord, BOOLEAN TestAlert);
/** The body of NtRaiseException. */
NTSTATUS KiRaiseException(ULONG64 ExceptionRecord, ULONG64 ContextRecord, BOOLEAN FirstChance);

/** KiDebugRoutine: TRUE if the kernel debugger (stub) took the exception (spec/2.1 step 5, 2.4). */
typedef BOOLEAN (*PKDEBUG_ROUTINE)(KTRAP_FRAME *TrapFrame, KEXCEPTION_FRAME *ExceptionFrame,
                                   EXCEPTION_RECORD64 *ExceptionRecord, CONTEXT *Context, KPROCESSOR_MODE PreviousMode,
                                   BOOLEAN SecondChance);
/** Sets KiDebugRoutine and KdIgnoreUmExceptions (no exception of user mode but the debug services is shown to it). */
void trap_set_debug_routine(PKDEBUG_ROUTINE routine, BOOLEAN IgnoreUmExceptions);

#endif
