/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NtRaiseException, NtContinue, NtContinueEx and NtTestAlert: each status, what of a record is read, and what a
 * continuation does to alerts and APCs (spec/2.1, 2.5). */
#include "nano.h"

#define RAISED NT_STATUS_VALUE(0xE0000044)
enum { KCONTINUE_RESUME = 1, KCONTINUE_SET = 3 };
enum { TEST_ALERT = 1, DELIVER_APC = 2 };

struct continue_argument {
  ULONG type, flags;
  ULONG64 reserved[2];
};

static CONTEXT context;
static volatile unsigned passes, apcs;

/* Twice through the same place: the second time by the service. */
#define GOES_ON(call)                                                                                                  \
  do {                                                                                                                 \
    passes = 0;                                                                                                        \
    RtlCaptureContext(&context);                                                                                       \
    if (!passes++) {                                                                                                   \
      print_number("came back: ", (ULONG)(call));                                                                      \
      check_failed(__LINE__, #call);                                                                                   \
    }                                                                                                                  \
    CHECK(passes == 2);                                                                                                \
  } while (0)

static void apc(void *a, void *b, void *c)
{
  (void)a, (void)b, (void)c;
  apcs++;
}

static void queue_apc(void)
{
  apcs = 0;
  CHECK_STATUS(NtQueueApcThread(NtCurrentThread, apc, NULL, NULL, NULL), STATUS_SUCCESS);
  CHECK(apcs == 0);
}

static void *unaligned(void *address, unsigned by) { return (UCHAR *)address + by; }

static void raising(void)
{
  EXCEPTION_RECORD64 record = {.ExceptionCode = RAISED};
  UCHAR *page = allocate(0x1000, PAGE_READWRITE);
  CHECK_STATUS(NtRaiseException(&record, NULL, TRUE), STATUS_ACCESS_VIOLATION);
  CHECK_STATUS(NtRaiseException(&record, unaligned(&context, 8), TRUE), STATUS_DATATYPE_MISALIGNMENT);
  CHECK_STATUS(NtRaiseException(NULL, &context, TRUE), STATUS_ACCESS_VIOLATION);
  CHECK_STATUS(NtRaiseException(unaligned(&record, 2), &context, TRUE), STATUS_DATATYPE_MISALIGNMENT);
  CHECK_STATUS(NtRaiseException((void *)0xFFFFF80000000000, &context, FALSE), STATUS_ACCESS_VIOLATION);
  record.NumberParameters = EXCEPTION_MAXIMUM_PARAMETERS + 1;
  CHECK_STATUS(NtRaiseException(&record, &context, TRUE), STATUS_INVALID_PARAMETER);
  CHECK(seen.count == 0);
  /* a record that ends with the page: its one parameter is there, the other 14 are not */
  EXCEPTION_RECORD64 *last = (EXCEPTION_RECORD64 *)(page + 0x1000 - 0x28);
  last->ExceptionCode = (NTSTATUS)((ULONG)RAISED | 0x10000000);
  last->NumberParameters = 1;
  last->ExceptionInformation[0] = 0x77;
  GOES_ON(NtRaiseException(last, &context, TRUE));
  /* bit 28 is the kernel's own */
  CHECK(seen.count == 1 && seen.code == RAISED && seen.parameters == 1 && seen.parameter[0] == 0x77);
  CHECK(seen.parameter[1] == 0);
  last->NumberParameters = 2;
  CHECK_STATUS(NtRaiseException(last, &context, TRUE), STATUS_ACCESS_VIOLATION);
  CHECK(seen.count == 1);
}

static LONG step_back(EXCEPTION_POINTERS *pointers)
{
  if (pointers->ExceptionRecord->ExceptionCode != STATUS_BREAKPOINT)
    return EXCEPTION_CONTINUE_SEARCH;
  /* Not reached by INT3, but one byte is taken off all the same. */
  CHECK(pointers->ContextRecord->Rip == context.Rip - 1);
  pointers->ContextRecord->Rip++;
  return EXCEPTION_CONTINUE_EXECUTION;
}

static void raising_a_breakpoint(void)
{
  EXCEPTION_RECORD64 record = {.ExceptionCode = STATUS_BREAKPOINT, .NumberParameters = 1};
  void *handler = RtlAddVectoredExceptionHandler(TRUE, step_back);
  GOES_ON(NtRaiseException(&record, &context, TRUE));
  CHECK(RtlRemoveVectoredExceptionHandler(handler));
}

static void continuing(void)
{
  CHECK_STATUS(NtContinue(NULL, FALSE), STATUS_ACCESS_VIOLATION);
  CHECK_STATUS(NtContinue(unaligned(&context, 8), FALSE), STATUS_DATATYPE_MISALIGNMENT);
  CHECK_STATUS(NtContinue((CONTEXT *)0xFFFFF80000000000, FALSE), STATUS_ACCESS_VIOLATION);
  GOES_ON(NtContinue(&context, FALSE));
  queue_apc();
  GOES_ON(NtContinue(&context, FALSE));
  CHECK(apcs == 0);
  GOES_ON(NtContinue(&context, TRUE));
  CHECK(apcs == 1);
  /* an alert is taken, and nobody is told */
  CHECK_STATUS(NtAlertThread(NtCurrentThread), STATUS_SUCCESS);
  GOES_ON(NtContinue(&context, FALSE));
  CHECK_STATUS(NtTestAlert(), STATUS_ALERTED);
  CHECK_STATUS(NtAlertThread(NtCurrentThread), STATUS_SUCCESS);
  GOES_ON(NtContinue(&context, TRUE));
  CHECK_STATUS(NtTestAlert(), STATUS_SUCCESS);
}

static void continuing_with_an_argument(void)
{
  struct continue_argument argument = {KCONTINUE_RESUME, 0, {0, 0}};
  CHECK_STATUS(NtContinueEx(&context, (void *)0x1000), STATUS_ACCESS_VIOLATION);
  CHECK_STATUS(NtContinueEx(&context, unaligned(&argument, 2)), STATUS_DATATYPE_MISALIGNMENT);
  CHECK_STATUS(NtContinueEx(NULL, &argument), STATUS_ACCESS_VIOLATION);
  argument.type = KCONTINUE_SET + 1;
  CHECK_STATUS(NtContinueEx(&context, &argument), STATUS_INVALID_PARAMETER);
  argument = (struct continue_argument){KCONTINUE_RESUME, 4, {0, 0}};
  CHECK_STATUS(NtContinueEx(&context, &argument), STATUS_INVALID_PARAMETER);
  for (argument.type = 0; argument.type <= KCONTINUE_SET; argument.type++) {
    argument.flags = 0;
    queue_apc();
    GOES_ON(NtContinueEx(&context, &argument));
    CHECK(apcs == 0);
    argument.flags = argument.type % 2 ? TEST_ALERT : DELIVER_APC;
    GOES_ON(NtContinueEx(&context, &argument));
    CHECK(apcs == 1);
  }
  /* small numbers are the BOOLEAN of NtContinue */
  queue_apc();
  GOES_ON(NtContinueEx(&context, (void *)FALSE));
  CHECK(apcs == 0);
  GOES_ON(NtContinueEx(&context, (void *)TRUE));
  CHECK(apcs == 1);
}

ULONG start(void *peb)
{
  (void)peb;
  void *handler = RtlAddVectoredExceptionHandler(TRUE, record_exception);
  raising();
  CHECK(RtlRemoveVectoredExceptionHandler(handler));
  raising_a_breakpoint();
  continuing();
  continuing_with_an_argument();
  return 0;
}
