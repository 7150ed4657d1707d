/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a program says to the kernel debugger, and its exceptions when there is one (spec/2.4, spec/5 fact 40). Without
 * one: prints, symbols and commands are swallowed, a prompt is a breakpoint. A debugger of the process gets the texts
 * of DbgPrint. With a kernel debugger: it answers the prompt "yes or no? " with "yes"; exit code 0, or what the test
 * asks for: the number of handlers that ran for the three exceptions at the end. */
#include "nano.h"

#define KD_DEBUGGER_ENABLED (*(volatile UCHAR *)0x7FFE02D4)

/* What DbgPrint is made of, with all registers seen. */
ULONG64 raw_service(ULONG64 rcx, ULONG64 rdx, ULONG64 r8, ULONG64 r9, ULONG service);
__asm__(".text\n.globl raw_service\nraw_service:\n\tmov 0x28(%rsp), %eax\n\tint $0x2D\n\tint3\n\tret\n");
PROBE(breakpoint, "int3");
PROBE(undefined, "ud2");
PROBE(assertion, "int $0x2c");

static unsigned handlers;

static LONG skip(EXCEPTION_POINTERS *pointers)
{
  handlers++;
  NTSTATUS code = pointers->ExceptionRecord->ExceptionCode;
  pointers->ContextRecord->Rip += code == STATUS_BREAKPOINT ? 1 : 2;
  return EXCEPTION_CONTINUE_EXECUTION;
}

static void say_all(void)
{
  static const char command[] = ".reboot";
  static const char path[] = "C:\\app\\g_kernel_debugger.exe";
  STRING64 file = {sizeof(path) - 1, sizeof(path), 0, path};
  STRING64 name = {4, 5, 0, "test"}, text = {sizeof(command) - 1, sizeof(command), 0, command};
  void *base = (void *)nano_teb()->ProcessEnvironmentBlock->ImageBaseAddress;
  /* The stub of the kernel leaves rax alone: the service's number. What the filter holds back never gets there. */
  const NTSTATUS done = !NtQueryDebugFilterState(101, 3) || KD_DEBUGGER_ENABLED || nano_teb()->ProcessEnvironmentBlock->BeingDebugged ? STATUS_SUCCESS : 1;
  CHECK_STATUS(DbgPrint("hello, kernel\n"), done);
  CHECK_STATUS(DbgPrintEx(77, 2, "of component 77"), done);
  DbgLoadImageSymbols(&file, base, nano_teb()->ClientId.UniqueProcess);
  DbgUnLoadImageSymbols(&file, base, nano_teb()->ClientId.UniqueProcess);
  DbgCommandString(&name, &text);
}

/* Bad memory is told, and stops nothing. */
static void bad_arguments(void)
{
  char reply[4];
  STRING64 bad = {4, 4, 0, (const char *)0x10};
  CHECK(raw_service(0x10, 5, 0, 0, 1) == (ULONG)STATUS_ACCESS_VIOLATION);
  CHECK(raw_service(0xFFFFF80000000000, 5, 0, 0, 1) == (ULONG)STATUS_ACCESS_VIOLATION);
  CHECK(raw_service((ULONG64) "ask", 3, 0x10, 5, 2) == 0);
  CHECK(raw_service(0x10, 3, (ULONG64)reply, 4, 2) == 0);
  raw_service(0x10, 0x10, 0, 0, 3);
  raw_service((ULONG64)&bad, 0x10, 0, 0, 4);
  raw_service((ULONG64)&bad, (ULONG64)&bad, 0, 0, 5);
}

ULONG start(void *peb)
{
  char reply[8] = "#######";
  (void)peb;
  RtlAddVectoredExceptionHandler(TRUE, skip);
  say_all();
  if (!KD_DEBUGGER_ENABLED) {
    handlers = 0;
    /* The breakpoint of service 2; its handler steps over the INT3 behind it. */
    DbgPrompt("yes or no? ", reply, sizeof(reply));
    CHECK(handlers == 1 && reply[0] == '#');
    return 0;
  }
  CHECK(KD_DEBUGGER_ENABLED == 3);
  CHECK(DbgPrompt("yes or no? ", reply, 2) == 2 && reply[0] == 'y' && reply[1] == 'e' && reply[2] == '#');
  CHECK(DbgPrompt("yes or no? ", reply, sizeof(reply)) == 3 && reply[2] == 's' && reply[3] == '#');
  bad_arguments();
  handlers = 0;
  breakpoint(NULL);
  undefined(NULL);
  assertion(NULL);
  return handlers;
}
