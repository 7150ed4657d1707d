/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An access violation: handled, or fatal.
 *
 *   access_violation            a vectored handler repairs it
 *   access_violation unhandled  nobody does
 *
 * Look for: EXCEPTION C0000005 first chance, with the parameters 1 (a write) and the address 18. Answered "not
 * handled", it goes to the program's handlers. In the first form the handler points the register somewhere better and
 * the same instruction runs again: no more events. In the second the same exception comes back as second chance, and
 * answered "not handled" again it ends the process with the exit code C0000005. */
#include <stdio.h>
#include <string.h>
#include <windows.h>

static long place;

static LONG CALLBACK repair(EXCEPTION_POINTERS *pointers)
{
  if (pointers->ExceptionRecord->ExceptionCode != EXCEPTION_ACCESS_VIOLATION)
    return EXCEPTION_CONTINUE_SEARCH;
  printf("handler: %s of %llx\n", pointers->ExceptionRecord->ExceptionInformation[0] == 1 ? "write" : "read",
         (unsigned long long)pointers->ExceptionRecord->ExceptionInformation[1]);
  pointers->ContextRecord->Rcx = (ULONG_PTR)&place;
  return EXCEPTION_CONTINUE_EXECUTION;
}

int main(int argc, char **argv)
{
  if (argc < 2 || strcmp(argv[1], "unhandled"))
    AddVectoredExceptionHandler(1, repair);
  printf("writing to address 18\n");
  fflush(stdout);
  void *address = (void *)0x18;
  __asm__ volatile("movl $42, (%0)" : "+c"(address) : : "memory");
  printf("written: %ld\n", place);
  return 0;
}
