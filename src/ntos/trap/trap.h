/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file trap.h  From the processor into the kernel and back: IDT, trap frames, exception dispatch, user frames, the
 *  system service entry, the user-mode loop (spec/1, spec/2). */
#ifndef NTOS_TRAP_TRAP_H
#define NTOS_TRAP_TRAP_H

#include "ntos/inc/frames.h"
#include "ntos/inc/services.h"
#include "ntos/ps/ps.h"

#include <dbgksim/kernel.h>

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

/* ---- the interrupt descriptor table as data ---- */

/** Reads a gate. False: no such vector. */
bool KiGetGate(ULONG Vector, struct dbgksim_gate *Gate);
/** Writes a gate as it is. False: no such vector, or a field has too many bits. */
bool KiSetGate(ULONG Vector, const struct dbgksim_gate *Gate);
/** The table's limit, and a new one of at most FFF. */
USHORT KiGetIdtLimit(void);
bool KiSetIdtLimit(USHORT Limit);
/** Address of a routine that a gate can lead to, 0 if there is none of that name. */
ULONG64 KiFindRoutine(const char *Name);
/** The trap that a thread of user code takes in place of its next instruction: for what the processor does not raise by
 *  itself. */
struct cpu_trap;
void trap_inject(ETHREAD *Thread, const struct cpu_trap *Trap);

/* ---- kernel mode ---- */

/** Makes the running kernel code fault: an event comes at `Rip`, through the IDT, on the thread's kernel stack. Returns
 *  when a handler or the kernel debugger continues; *After (may be NULL) receives the frame as they left it. False: the
 *  thread has no user mode, so no kernel stack. */
bool trap_in_kernel_mode(ULONG Vector, bool Software, ULONG ErrorCode, ULONG64 FaultAddress, ULONG64 Rip,
                         KTRAP_FRAME *After);
/** Raises a software exception in kernel mode, on a thread that has user mode; others do nothing. Returns if it is
 *  continued. */
void RtlRaiseException(EXCEPTION_RECORD64 *ExceptionRecord);
/** Offers an exception of kernel mode to the thread's handlers. TRUE: one continues, with *ContextRecord. */
BOOLEAN RtlDispatchException(EXCEPTION_RECORD64 *ExceptionRecord, CONTEXT *ContextRecord);
/** Adds a handler to the running thread's, as its innermost; it lies on the caller's stack. */
void KeRegisterExceptionHandler(EXCEPTION_REGISTRATION_RECORD *Registration);
/** Takes it off. */
void KeUnregisterExceptionHandler(EXCEPTION_REGISTRATION_RECORD *Registration);

#define KMODE_EXCEPTION_NOT_HANDLED 0x1Eu
#define PAGE_FAULT_IN_NONPAGED_AREA 0x50u
#define UNEXPECTED_KERNEL_MODE_TRAP 0x7Fu
#define MACHINE_CHECK_EXCEPTION 0x9Cu
#define CRITICAL_PROCESS_DIED 0xEFu
#define CRITICAL_OBJECT_TERMINATION 0xF4u
#define KERNEL_SECURITY_CHECK_FAILURE 0x139u
/** Stops the machine for good; the host goes on with DBGKSIM_BUGCHECK. */
_Noreturn void KeBugCheckEx(ULONG BugCheckCode, ULONG64 p1, ULONG64 p2, ULONG64 p3, ULONG64 p4);
/** What the machine stopped with; NULL: no bug check. */
const struct dbgksim_bugcheck *KiGetBugCheck(void);
/** The blue screen's text, or a triple fault's. False: neither. */
bool KiReportStop(char *out, size_t size);

/* ---- Pico processes ---- */

/** What a provider of Pico processes (EPROCESS.PicoContext) supplies. */
typedef struct _PS_PICO_PROVIDER_ROUTINES {
  /** Sees an exception of user mode before anybody else (Phase 0), in place of KiUserExceptionDispatcher (1) and at the
   *  second chance, between the debug port and the exception port (2). TRUE: handled, the trap frame resumes. */
  BOOLEAN (*DispatchException)(EXCEPTION_RECORD64 *ExceptionRecord, KEXCEPTION_FRAME *ExceptionFrame,
                               KTRAP_FRAME *TrapFrame, ULONG Phase, KPROCESSOR_MODE PreviousMode);
} PS_PICO_PROVIDER_ROUTINES;
/** Registers the machine's provider. STATUS_TOO_LATE: there is one; STATUS_INVALID_PARAMETER: it has no routine. */
NTSTATUS PsRegisterPicoProvider(const PS_PICO_PROVIDER_ROUTINES *ProviderRoutines);

#endif
