/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel_debugger: a program that talks to the kernel debugger, as DbgPrint and DbgPrompt do: INT 2D with the service in
 * EAX.
 *
 * Look for (dbgksim trace --kernel-debugger --undebugged): the text and the question, which standard input answers. The
 * kernel steps over one byte behind INT 2D, here an INT3, so nothing is missing after it. Without a kernel debugger the
 * text is swallowed in silence, but the question is an exception: a well-known trick to tell. */
#include "sample.h"

static ULONG debug_service(ULONG service, const void *rcx, ULONG64 rdx, void *r8, ULONG64 r9)
{
  register void *a3 __asm__("r8") = r8;
  register ULONG64 a4 __asm__("r9") = r9;
  ULONG result;
  __asm__ volatile("int $0x2d\n\tint3" : "=a"(result) : "a"(service), "c"(rcx), "d"(rdx), "r"(a3), "r"(a4) : "memory");
  return result;
}

static LONG CALLBACK no_debugger(EXCEPTION_POINTERS *pointers)
{
  say("exception %x: nobody answers\n", N(pointers->ExceptionRecord->ExceptionCode));
  pointers->ContextRecord->Rip += 1;
  return EXCEPTION_CONTINUE_EXECUTION;
}

int start(void)
{
  static const char text[] = "working\n", question[] = "go on? ";
  char answer[16];
  for (unsigned i = 0; i < sizeof(answer); i++)
    ((volatile char *)answer)[i] = 0;
  say("KdDebuggerEnabled is %u\n", N(*(volatile unsigned char *)0x7FFE02D4));
  AddVectoredExceptionHandler(1, no_debugger);
  /* Component 101 is DPFLTR_DEFAULT; of levels only 0, errors, passes the filter by itself. */
  debug_service(1, text, sizeof(text) - 1, (void *)101, 0);
  debug_service(2, question, sizeof(question) - 1, answer, sizeof(answer) - 1);
  say("the answer is \"%s\"\n", answer);
  return 0;
}
