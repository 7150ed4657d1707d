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
void RtlpInitializePebLock(PPEB Peb);
/** Calls back for the running thread's fiber local values and frees them. */
void RtlpEndThreadFls(void);
/** Tells the DLLs, in the reverse order of their initialisation, that the process ends. */
void LdrShutdownProcess(void);
/** The same for the running thread. */
void LdrShutdownThread(void);
/** The loader breakpoint, in an address of its own (spec/5 fact 2). */
void LdrpDoDebuggerBreak(void);
/** Second half of RtlRaiseException; comes back only with a failure. */
NTSTATUS RtlpRaiseWithContext(EXCEPTION_RECORD *ExceptionRecord, CONTEXT *Context);
/** Formats into a buffer, terminated if there is room: the characters, or -1 if they do not fit. */
LONG RtlpFormat(char *Buffer, SIZE_T Size, const char *Format, va_list Arguments);
LONG RtlpFormatWide(WCHAR *Buffer, SIZE_T Size, const WCHAR *Format, va_list Arguments);
/** True if a vectored handler continued the exception. */
BOOLEAN RtlpCallVectoredHandlers(EXCEPTION_RECORD *ExceptionRecord, CONTEXT *Context);
void RtlpCallContinueHandlers(EXCEPTION_RECORD *ExceptionRecord, CONTEXT *Context);
/** Calls Dispatcher->LanguageHandler under a handler that tells of nested exceptions. */
EXCEPTION_DISPOSITION RtlpExecuteHandlerForException(EXCEPTION_RECORD *ExceptionRecord, PVOID EstablisherFrame,
                                                     CONTEXT *Context, DISPATCHER_CONTEXT *Dispatcher);
/** The same under a handler that tells of collided unwinds. */
EXCEPTION_DISPOSITION RtlpExecuteHandlerForUnwind(EXCEPTION_RECORD *ExceptionRecord, PVOID EstablisherFrame,
                                                  CONTEXT *Context, DISPATCHER_CONTEXT *Dispatcher);
/** Goes on where a context says, without a service. */
void RtlpRestoreContext(const CONTEXT *Context) __attribute__((noreturn));
/** Calls Callback(ExceptionRecord) on a frame that unwinds to the context; the result is where to go on. */
ULONG64 RtlpConsolidateFrames(const CONTEXT *Context, EXCEPTION_RECORD *ExceptionRecord,
                              ULONG64 (*Callback)(EXCEPTION_RECORD *));
/** True if a frame lies on the running thread's stack. */
BOOLEAN RtlpIsFrameInBounds(ULONG64 Frame);
/** kernel32's BaseThreadInitThunk, once kernel32 is loaded. */
extern void (*RtlpThreadInitThunk)(ULONG Reserved, PUSER_THREAD_START_ROUTINE StartRoutine, PVOID Argument);

/* ---- wine.c ---- */

/** What new critical sections get as DebugInfo: -1 as Windows 10 has it; once a DLL of Wine is mapped, a record, because
 *  Wine's DLLs write names into it. */
extern PRTL_CRITICAL_SECTION_DEBUG RtlpCriticalSectionDebugInfo;
/** Looks whether an image that was mapped is one of Wine's DLLs. */
void RtlpNoteWineImage(PVOID Base);

#endif
