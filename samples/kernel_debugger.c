/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program that talks to the kernel debugger, as DbgPrint and DbgPrompt do: INT 2D with the service in EAX.
 *
 * Look for (dbgksim trace --kernel-debugger --undebugged): the text and the question, which standard input answers. The
 * kernel steps over one byte behind INT 2D, here an INT3, so nothing is missing after it. Without a kernel debugger the
 * text is swallowed in silence, but the question is an exception: a well-known trick to tell. */
#include <stdio.h>
#include <string.h>
#include <windows.h>

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
  printf("exception %08lx: nobody answers\n", pointers->ExceptionRecord->ExceptionCode);
  pointers->ContextRecord->Rip += 1;
  return EXCEPTION_CONTINUE_EXECUTION;
}

int main(void)
{
  static const char text[] = "working\n", question[] = "go on? ";
  char answer[16] = "";
  printf("KdDebuggerEnabled is %d\n", *(volatile unsigned char *)0x7FFE02D4);
  AddVectoredExceptionHandler(1, no_debugger);
  debug_service(1, text, strlen(text), (void *)101, 0);
  debug_service(2, question, strlen(question), answer, sizeof answer - 1);
  printf("the answer is \"%s\"\n", answer);
  return 0;
}
