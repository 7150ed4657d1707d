/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file nano.h  Base of the guest test programs: PE programs that import the nano ntdll and nothing else.
 *  Entry: ULONG start(void *peb); what it returns is the exit code. 0 says that all went well, another value is the
 *  line of the check that failed, unless the program's first comment names an exit code. */
#ifndef TESTS_GUEST_NANO_H
#define TESTS_GUEST_NANO_H

#include <guest/nano/nano.h>

#define INLINE static inline __attribute__((unused))

/** Ends the program with the line number if the condition does not hold, after printing the condition. */
#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition))                                                                                                  \
      check_failed(__LINE__, #condition);                                                                              \
  } while (0)
/** CHECK that a service gives a status. */
#define CHECK_STATUS(call, expected)                                                                                   \
  do {                                                                                                                 \
    NTSTATUS status_ = (call);                                                                                         \
    if (status_ != (expected)) {                                                                                       \
      print_number("status ", (ULONG)status_);                                                                         \
      check_failed(__LINE__, #call);                                                                                   \
    }                                                                                                                  \
  } while (0)

ULONG start(void *peb);

/** Writes bytes to the process's standard output. */
INLINE void write_output(const char *text, ULONG length)
{
  IO_STATUS_BLOCK64 io;
  NtWriteFile(nano_teb()->ProcessEnvironmentBlock->ProcessParameters->StandardOutput, 0, NULL, NULL, &io, text, length,
              NULL, NULL);
}

INLINE ULONG length_of(const char *text)
{
  ULONG length = 0;
  while (text[length])
    length++;
  return length;
}

/** Prints a line. */
INLINE void print(const char *text)
{
  char line[160];
  ULONG length = 0;
  while (text[length] && length < sizeof(line) - 1) {
    line[length] = text[length];
    length++;
  }
  line[length++] = '\n';
  write_output(line, length);
}

/** Prints a line of text and a hexadecimal number. */
INLINE void print_number(const char *text, ULONG64 value)
{
  char line[80];
  ULONG length = 0;
  while (text[length] && length < 60) {
    line[length] = text[length];
    length++;
  }
  int shift = 60;
  while (shift > 0 && !(value >> shift))
    shift -= 4;
  for (; shift >= 0; shift -= 4)
    line[length++] = "0123456789abcdef"[value >> shift & 15];
  line[length] = 0;
  print(line);
}

INLINE void check_failed(ULONG line, const char *text)
{
  char number[16];
  unsigned at = sizeof(number);
  number[--at] = 0;
  for (ULONG rest = line; rest; rest /= 10)
    number[--at] = (char)('0' + rest % 10);
  write_output("failed at line ", 15);
  write_output(number + at, sizeof(number) - 1 - at);
  write_output(": ", 2);
  print(text);
  RtlExitUserProcess((NTSTATUS)line);
}

/** What the recording handler saw last. */
struct seen {
  unsigned count;
  NTSTATUS code;
  ULONG flags, parameters;
  ULONG64 parameter[4];
  ULONG64 address, rip, dr6;
  ULONG eflags, context_flags;
};
static volatile struct seen seen __attribute__((unused));
/** Where the recording handler continues; 0: where the context says. */
static volatile ULONG64 resume_at __attribute__((unused));

/** Vectored handler: records the exception and continues at resume_at. */
INLINE LONG record_exception(EXCEPTION_POINTERS *pointers)
{
  EXCEPTION_RECORD64 *record = pointers->ExceptionRecord;
  CONTEXT *context = pointers->ContextRecord;
  seen.count++;
  seen.code = record->ExceptionCode;
  seen.flags = record->ExceptionFlags;
  seen.parameters = record->NumberParameters;
  for (unsigned i = 0; i < 4; i++)
    seen.parameter[i] = record->ExceptionInformation[i];
  seen.address = record->ExceptionAddress;
  seen.rip = context->Rip;
  seen.dr6 = context->Dr6;
  seen.eflags = context->EFlags;
  seen.context_flags = context->ContextFlags;
  if (seen.count > 64)
    RtlExitUserProcess(NT_STATUS_VALUE(0xDEAD));
  if (resume_at)
    context->Rip = resume_at;
  return EXCEPTION_CONTINUE_EXECUTION;
}

/** Defines void name(void *rcx): a leaf that runs `code`, between the labels name_at and name_next. */
#define PROBE(name, code)                                                                                              \
  void name(void *rcx);                                                                                                \
  extern UCHAR name##_at[], name##_next[];                                                                             \
  __asm__(".text\n.globl " #name "\n" #name ":\n" #name "_at:\n\t" code "\n" #name "_next:\n\tret\n")
/** Runs a probe with the recording handler set to go on after it. */
#define RUN_PROBE(name, argument)                                                                                      \
  do {                                                                                                                 \
    seen.count = 0;                                                                                                    \
    resume_at = (ULONG64)name##_next;                                                                                  \
    name((void *)(argument));                                                                                          \
    resume_at = 0;                                                                                                     \
  } while (0)

#define INFINITE_WAIT ((const LONG64 *)NULL)
/** A relative time of so many milliseconds. */
#define MILLISECONDS(n) (&(const LONG64){-10000ll * (n)})

/** Creates a thread that runs at once; ends the program if it cannot. */
INLINE HANDLE create_thread(PUSER_THREAD_START_ROUTINE routine, void *argument)
{
  HANDLE thread = 0;
  NTSTATUS status =
      NtCreateThreadEx(&thread, THREAD_ALL_ACCESS, NULL, NtCurrentProcess, routine, argument, 0, 0, 0, 0, NULL);
  if (!NT_SUCCESS(status))
    check_failed((ULONG)status, "NtCreateThreadEx");
  return thread;
}

/** The exit status of a thread, STATUS_PENDING while it lives. */
INLINE NTSTATUS thread_exit_status(HANDLE thread)
{
  THREAD_BASIC_INFORMATION64 information = {0};
  NTSTATUS status = NtQueryInformationThread(thread, 0, &information, sizeof(information), NULL);
  return NT_SUCCESS(status) ? information.ExitStatus : status;
}

/** Commits `size` bytes with a protection; NULL if it cannot. */
INLINE void *allocate(ULONG64 size, ULONG protection)
{
  void *base = NULL;
  NTSTATUS status = NtAllocateVirtualMemory(NtCurrentProcess, &base, 0, &size, MEM_RESERVE | MEM_COMMIT, protection);
  return NT_SUCCESS(status) ? base : NULL;
}

INLINE NTSTATUS set_protection(void *base, ULONG64 size, ULONG protection, ULONG *old)
{
  return NtProtectVirtualMemory(NtCurrentProcess, &base, &size, protection, old);
}

INLINE MEMORY_BASIC_INFORMATION64 query_memory(const void *address)
{
  MEMORY_BASIC_INFORMATION64 information = {0};
  NtQueryVirtualMemory(NtCurrentProcess, address, 0, &information, sizeof(information), NULL);
  return information;
}

#endif
