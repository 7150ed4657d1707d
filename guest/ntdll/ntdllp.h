/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file ntdllp.h  Between the sources of the builtin ntdll. */
#ifndef GUEST_NTDLL_PRIVATE_H
#define GUEST_NTDLL_PRIVATE_H

#include "ntdll.h"

/** First code of every thread (LdrInitializeThunk); ends in NtContinue(Context). The first caller initialises the
 *  process, the others wait for it. NtdllBase: this DLL. */
void LdrpInitialize(CONTEXT *Context, PVOID NtdllBase) __attribute__((noreturn));
/** Makes what the loader needs first: the process heap. PEB.NtGlobalFlag is set. */
NTSTATUS RtlpInitializeProcess(PPEB Peb);
/** Tells the DLLs, in the reverse order of their initialisation, that the process ends. */
void LdrShutdownProcess(void);
/** The same for the running thread. */
void LdrShutdownThread(void);
/** The loader breakpoint, in an address of its own (spec/5 fact 2). */
void LdrpDoDebuggerBreak(void);
/** Second half of RtlRaiseException; comes back only with a failure. */
NTSTATUS RtlpRaiseWithContext(EXCEPTION_RECORD *ExceptionRecord, CONTEXT *Context);
/** kernel32's BaseThreadInitThunk, once kernel32 is loaded. */
extern void (*RtlpThreadInitThunk)(ULONG Reserved, PUSER_THREAD_START_ROUTINE StartRoutine, PVOID Argument);

#endif
