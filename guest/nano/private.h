/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file private.h  Between the sources of the nano guest. */
#ifndef NANO_PRIVATE_H
#define NANO_PRIVATE_H

#include "nano.h"

/** What nano_try links at TEB.NtTib.ExceptionList. */
typedef struct _NANO_FRAME {
  ULONG64 Previous;
  ULONG64 Resume;
} NANO_FRAME;
/** The frame lies this far above the stack pointer at Resume. */
#define NANO_FRAME_OFFSET 0x20

/** The debug services of the kernel: INT 2D with these arguments in rcx to r9. */
NTSTATUS DebugPrint(const char *text, USHORT length, ULONG component, ULONG level);
ULONG DebugPrompt(const char *prompt, USHORT length, char *reply, USHORT maximum);
void DebugLoadImageSymbols(STRING64 *file, KD_SYMBOLS_INFO *info);
void DebugUnLoadImageSymbols(STRING64 *file, KD_SYMBOLS_INFO *info);
void DebugCommandString(STRING64 *name, STRING64 *command);

/** The loader breakpoint. */
void LdrpDoDebuggerBreak(void);
/** First code of every thread; ends in NtContinue(context). The first caller initialises the process. */
void ldr_initialize(CONTEXT *context, void *ntdll) __attribute__((noreturn));
/** Id of the thread that initialised the process. */
HANDLE ldr_first_thread(void);
/** Second half of RtlRaiseException; comes back only with a failure. */
NTSTATUS raise_with_context(EXCEPTION_RECORD64 *record, CONTEXT *context);
/** Where a thread's start routine returns to. */
void thread_returned(NTSTATUS result) __attribute__((noreturn));
/** Ends the process when a dispatcher's last service came back. */
void dispatch_failed(NTSTATUS status) __attribute__((noreturn));

#endif
