/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Services that a stopped thread is made to call, with contexts, records and stacks that no sound program has. */
#include "dispatch.h"

#include "ntos/svc/svc_memory.h"
#include "ntos/svc/svc_process.h"
#include "ntos/trap/trap.h"

#include <string.h>

#define TEB_STACK_LIMIT 0x10u
#define TEB_DEALLOCATION_STACK 0x1478u

/** What a service's first arguments are. */
enum arguments {
  CONTEXT_VALUE,  /**< rcx the context, rdx a number */
  RECORD_CONTEXT, /**< rcx the record, rdx the context, r8 a byte */
  THREAD_CONTEXT, /**< rcx the thread itself, rdx the context */
  THREAD_VALUES,  /**< rcx the thread itself */
  PROCESS_VALUES, /**< rcx the process itself */
  VALUES
};
static struct {
  const char *name;
  enum arguments arguments;
  ULONG number;
} services[] = {
    {"NtContinue", CONTEXT_VALUE, 0},
    {"NtContinueEx", CONTEXT_VALUE, 0},
    {"NtRaiseException", RECORD_CONTEXT, 0},
    {"NtSetContextThread", THREAD_CONTEXT, 0},
    {"NtGetContextThread", THREAD_CONTEXT, 0},
    {"NtTestAlert", VALUES, 0},
    {"NtRaiseHardError", VALUES, 0},
    {"NtQueueApcThread", THREAD_VALUES, 0},
    {"NtSetInformationProcess", PROCESS_VALUES, 0},
    {"NtSetInformationThread", THREAD_VALUES, 0},
    {"NtClose", VALUES, 0},
    {"NtAlertThread", THREAD_VALUES, 0},
    {"NtDelayExecution", VALUES, 0},
    {"NtCallbackReturn", VALUES, 0},
    {"NtQueryInformationProcess", PROCESS_VALUES, 0},
    {"NtQueryInformationThread", THREAD_VALUES, 0},
};
#define SERVICES (sizeof services / sizeof services[0])

void dispatch_find_services(void)
{
  for (ULONG number = 0; number < TRAP_MAX_SERVICES; number++) {
    const char *name = trap_service_name(number);
    for (size_t i = 0; i < SERVICES && name; i++)
      if (!strcmp(services[i].name, name))
        services[i].number = number;
  }
}

/* The last address but a few bytes before the end of a page; only part of `size` bytes fits. */
static ULONG64 before(ULONG64 end, uint64_t n, size_t size) { return end - 16 * (1 + n % (size / 16)); }

/* Where a structure of `size` bytes is put. */
static ULONG64 place(struct fuzz_input *in, ULONG64 usual, size_t size)
{
  const uint8_t how = fuzz_byte(in);
  switch (how & 7) {
  case 1: /* not aligned */
    return usual + (how >> 3);
  case 2: /* its end is on no page */
    return before(FUZZ_PAGES + 0xE000, fuzz_number(in, 1), size) + (how >> 3);
  case 3: /* its end is on a guard page */
    return before(FUZZ_PAGES + 0xC000, fuzz_number(in, 1), size) + (how >> 3);
  case 4: /* its end is read-only */
    return before(FUZZ_PAGES + 0xB000, fuzz_number(in, 1), size) + (how >> 3);
  case 5:
    return FUZZ_COPY_VIEW + (how >> 3) * 16u;
  case 6:
  case 7:
    return dispatch_value(in);
  default:
    return usual;
  }
}

/* Each bit of ContextFlags, and any byte behind them. */
static void spoil(struct fuzz_input *in, CONTEXT *context, uint8_t how)
{
  if (how & 1)
    context->ContextFlags = (ULONG)fuzz_number(in, 4);
  if (how & 2)
    for (unsigned n = fuzz_byte(in) % 32; n && !fuzz_used_up(in); n--) {
      size_t offset = fuzz_number(in, 2) % sizeof *context;
      ((uint8_t *)context)[offset] = fuzz_byte(in);
    }
  if (how & 4)
    dispatch_registers(in, context);
}

static ULONG64 put_context(struct fuzz_input *in, const CONTEXT *now)
{
  struct {
    CONTEXT context;
    CONTEXT_EX ex;
  } c = {.context = *now,
         .ex = {.All = {-(LONG)sizeof(CONTEXT), sizeof(CONTEXT) + sizeof(CONTEXT_EX)},
                .Legacy = {-(LONG)sizeof(CONTEXT), sizeof(CONTEXT)},
                .XState = {sizeof(CONTEXT_EX), 0}}};
  const uint8_t how = fuzz_byte(in);
  c.context.Rip = FUZZ_PAGES + (how >> 4);
  spoil(in, &c.context, how);
  if (how & 8) {
    fuzz_bytes(in, &c.ex.All, sizeof c.ex.All);
    fuzz_bytes(in, &c.ex.XState, sizeof c.ex.XState);
  }
  const ULONG64 address = place(in, FUZZ_CONTEXT, sizeof c);
  dispatch_put(address, &c, sizeof c);
  return address;
}

static ULONG64 put_record(struct fuzz_input *in)
{
  static const NTSTATUS codes[] = {STATUS_ACCESS_VIOLATION, STATUS_BREAKPOINT,
                                   STATUS_SINGLE_STEP,      STATUS_GUARD_PAGE_VIOLATION,
                                   STATUS_STACK_OVERFLOW,   STATUS_DATATYPE_MISALIGNMENT,
                                   STATUS_WX86_BREAKPOINT,  NT_STATUS_VALUE(0x40010006)};
  EXCEPTION_RECORD64 record = {0};
  const uint8_t code = fuzz_byte(in);
  record.ExceptionCode = code < 0x80 ? codes[code % (sizeof codes / sizeof codes[0])] : (NTSTATUS)fuzz_number(in, 4);
  record.ExceptionFlags = fuzz_byte(in);
  record.NumberParameters = fuzz_byte(in);
  if (record.NumberParameters & 0x80)
    record.NumberParameters = record.NumberParameters << 24 | (ULONG)fuzz_number(in, 3);
  record.ExceptionAddress = FUZZ_PAGES;
  record.ExceptionRecord = record.ExceptionFlags & 0x80 ? dispatch_value(in) : 0;
  for (unsigned i = 0; i < EXCEPTION_MAXIMUM_PARAMETERS && i < (record.NumberParameters & 3); i++)
    record.ExceptionInformation[i] = dispatch_value(in);
  const ULONG64 address = place(in, FUZZ_RECORD, sizeof record);
  dispatch_put(address, &record, sizeof record);
  return address;
}

static void set_arguments(struct fuzz_input *in, CONTEXT *context, enum arguments arguments)
{
  const CONTEXT now = *context;
  switch (arguments) {
  case CONTEXT_VALUE:
    context->Rcx = put_context(in, &now);
    context->Rdx = dispatch_value(in);
    return;
  case RECORD_CONTEXT:
    context->Rcx = put_record(in);
    context->Rdx = put_context(in, &now);
    context->R8 = fuzz_byte(in);
    return;
  case THREAD_CONTEXT:
    context->Rcx = (ULONG64)-2;
    context->Rdx = put_context(in, &now);
    return;
  default:
    context->Rcx = arguments == THREAD_VALUES    ? (ULONG64)-2
                   : arguments == PROCESS_VALUES ? (ULONG64)-1
                                                 : dispatch_value(in);
    context->Rdx = dispatch_value(in);
    context->R8 = dispatch_value(in);
    context->R9 = dispatch_value(in);
    const ULONG64 more[2] = {dispatch_value(in), dispatch_value(in)};
    dispatch_put(context->Rsp + 0x28, more, sizeof more);
  }
}

void dispatch_call_service(struct fuzz_input *in, HANDLE thread)
{
  CONTEXT context = {.ContextFlags = CONTEXT_ALL};
  const uint8_t which = fuzz_byte(in);
  if (NtGetContextThread(thread, AT(&context)) != STATUS_SUCCESS)
    return;
  context.Rip = which & 0x80 ? FUZZ_SERVICE_INT : FUZZ_SERVICE_CALL;
  context.SegCs = 0x33;
  context.Rax = services[which % SERVICES].number;
  set_arguments(in, &context, services[which % SERVICES].arguments);
  NtSetContextThread(thread, AT(&context));
}

static ULONG64 teb_field(const ETHREAD *thread, ULONG offset)
{
  ULONG64 value = 0;
  NtReadVirtualMemory(dispatch.process_handle, thread->Tcb.Teb + offset, AT(&value), sizeof value, 0);
  return value;
}

static ULONG64 stack(struct fuzz_input *in, const ETHREAD *thread, ULONG64 now)
{
  const uint8_t how = fuzz_byte(in);
  const ULONG64 n = fuzz_number(in, 2);
  switch (how % 14) {
  case 0:
    return (1ull << 47) + n;
  case 1:
    return now + n % 16;
  case 2: /* just above the guard page */
    return teb_field(thread, TEB_STACK_LIMIT) + n % 0x2000;
  case 3: /* in it, and below */
    return teb_field(thread, TEB_STACK_LIMIT) - n % 0x4000;
  case 4: /* nothing left to grow into */
    return teb_field(thread, TEB_DEALLOCATION_STACK) + n % 0x4000;
  case 5:
    return FUZZ_PAGES + 0xC000 - n % 0x1000; /* read-only */
  case 6:
    return FUZZ_VIEW + n % 0x1000;
  case 7:
    return FUZZ_COPY_VIEW + n % 0x1000;
  case 8:
    return thread->Tcb.Teb + n % 0x2000;
  case 9: /* the frame begins on the code page */
    return FUZZ_PAGES + 0x2000 + n % 0x800;
  case 10:
    return FUZZ_PAGES + 0xD000 - n % 0x1000; /* a guard page of the program's */
  case 11:
    return EMU_KERNEL_BASE + n * 16;
  case 12:
    return n;
  default:
    return dispatch_value(in);
  }
}

void dispatch_set_stack(struct fuzz_input *in, HANDLE thread)
{
  CONTEXT context = {.ContextFlags = CONTEXT_CONTROL};
  void *body;
  if (NtGetContextThread(thread, AT(&context)) != STATUS_SUCCESS ||
      !NT_SUCCESS(ObReferenceObjectByHandle(thread, 0, ob_types()->Thread, KernelMode, &body, NULL)))
    return;
  context.Rsp = stack(in, body, context.Rsp);
  ObDereferenceObject(body);
  NtSetContextThread(thread, AT(&context));
}
