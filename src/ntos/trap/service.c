/* SPDX-License-Identifier: GPL-2.0-or-later */
/* KiSystemCall64 and the service table; the services that change the frame they return through. */
#include "ntos/trap/internal.h"
#include "ntos/trap/monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE_REGISTER_ARGUMENTS 4u
#define SERVICE_MAX_ARGUMENTS 17u
/** Stack slots between the return address and the fifth argument. */
#define SERVICE_STACK_ARGUMENTS 0x28u
#define TEB_EXCEPTION_CODE 0x2C0u

bool KeAddSystemServiceTable(const struct svc_entry *table)
{
  struct trap_state *trap = trap_state();
  for (; table->name; table++) {
    if (trap->service_count == trap->service_capacity) {
      size_t capacity = trap->service_capacity ? trap->service_capacity * 2 : 256;
      const struct svc_entry **services =
          ExReallocatePool(trap->services, capacity * sizeof *services, POOL_TAG('S', 'v', 'c', ' '));
      if (!services)
        return false;
      trap->services = services;
      trap->service_capacity = capacity;
    }
    trap->services[trap->service_count++] = table;
  }
  trap->services_sorted = false;
  return true;
}

static int by_name(const void *a, const void *b)
{
  return strcmp((*(const struct svc_entry *const *)a)->name, (*(const struct svc_entry *const *)b)->name);
}

static const struct svc_entry *find_service(struct trap_state *trap, const char *name)
{
  struct svc_entry wanted = {.name = name}, *key = &wanted;
  if (!trap->services_sorted)
    qsort(trap->services, trap->service_count, sizeof *trap->services, by_name);
  trap->services_sorted = true;
  const struct svc_entry **found = bsearch(&key, trap->services, trap->service_count, sizeof *trap->services, by_name);
  return found ? *found : NULL;
}

static struct bound_service *bound_service(struct trap_state *trap, ULONG number)
{
  struct bound_service *table = number < TRAP_MAX_SERVICES ? trap->bound[number / TRAP_BOUND_SERVICES] : NULL;
  return table ? &table[number % TRAP_BOUND_SERVICES] : NULL;
}

bool trap_bind_service(ULONG number, const char *name)
{
  struct trap_state *trap = trap_state();
  if (number >= TRAP_MAX_SERVICES)
    return false;
  struct bound_service **table = &trap->bound[number / TRAP_BOUND_SERVICES];
  if (!*table)
    *table = ExAllocatePoolWithTag(TRAP_BOUND_SERVICES * sizeof **table, POOL_TAG('S', 'v', 'c', ' '));
  size_t size = strlen(name) + 1;
  char *copy = ExAllocatePoolWithTag(size, POOL_TAG('S', 'v', 'c', ' '));
  if (!*table || !copy) {
    ExFreePool(copy);
    return false;
  }
  memcpy(copy, name, size);
  struct bound_service *bound = bound_service(trap, number);
  ExFreePool(bound->name);
  *bound = (struct bound_service){.name = copy, .service = find_service(trap, name)};
  return true;
}

const char *trap_service_name(ULONG number)
{
  const struct bound_service *bound = bound_service(trap_state(), number);
  return bound ? bound->name : NULL;
}

const struct service_description *ki_service_description(ULONG number, char *name, size_t size, UCHAR *arguments)
{
  struct bound_service *bound = bound_service(trap_state(), number);
  *arguments = SERVICE_REGISTER_ARGUMENTS;
  if (!bound || !bound->name) {
    snprintf(name, size, "service 0x%x", number);
    return NULL;
  }
  snprintf(name, size, "%s", bound->name);
  if (!bound->service)
    return NULL;
  if (!bound->looked_up)
    bound->description = service_describe(bound->service->name);
  bound->looked_up = true;
  *arguments = (UCHAR)bound->service->argument_count;
  return bound->description;
}

/* A service that has no routine: named once in the log. */
static NTSTATUS missing_service(struct bound_service *bound, ULONG number)
{
  char text[DBGKSIM_TRACE_TEXT];
  if (!bound || !bound->name)
    return STATUS_INVALID_SYSTEM_SERVICE;
  if (!bound->reported) {
    bound->reported = true;
    snprintf(text, sizeof text, "%s is not implemented", bound->name);
    TRACE(DBGKSIM_TRACE_LOG, text, number, 0, 0, 0);
  }
  return STATUS_NOT_IMPLEMENTED;
}

static NTSTATUS call_service(struct trap_state *trap, KTRAP_FRAME *f, ULONG number)
{
  struct bound_service *bound = bound_service(trap, number);
  const struct svc_entry *service = bound ? bound->service : NULL;
  ULONG64 arguments[SERVICE_MAX_ARGUMENTS] = {f->R10, f->Rdx, f->R8, f->R9};
  if (!service)
    return missing_service(bound, number);
  if (service->argument_count > SERVICE_REGISTER_ARGUMENTS) {
    NTSTATUS status =
        mm_user_read(&arguments[SERVICE_REGISTER_ARGUMENTS], f->Rsp + SERVICE_STACK_ARGUMENTS,
                     (service->argument_count - SERVICE_REGISTER_ARGUMENTS) * sizeof(ULONG64));
    if (!NT_SUCCESS(status))
      return status;
  }
  TRACE(DBGKSIM_TRACE_SERVICE, service->name, number, arguments[0], arguments[1], arguments[2]);
  return service->routine(arguments);
}

void ki_system_service(KTRAP_FRAME *f)
{
  KTHREAD *thread = KeGetCurrentThread();
  ULONG number = (ULONG)f->Rax;
  KeUpdateSharedTime();
  thread->context_loaded = FALSE;
  /* The call that installs a callback does not come back through it. */
  const bool instrumented = thread->Process->InstrumentationCallback != 0;
  NTSTATUS status = call_service(trap_state(), f, number);
  TRACE(DBGKSIM_TRACE_SERVICE_RESULT, trap_service_name(number), (ULONG)status, 0, 0, 0);
  if (thread->context_loaded)
    return;
  f->Rax = (ULONG)status;
  if (instrumented)
    KiSetupForInstrumentationReturn(f);
}

void KiSystemCall64(KTHREAD *Thread)
{
  KTRAP_FRAME *f = ki_frame_of(Thread);
  Thread->TrapFrame = f;
  Thread->ExceptionFrame = (KEXCEPTION_FRAME *)((UCHAR *)f - KI_EXCEPTION_FRAME_ROOM);
  struct ki_origin origin = ki_user_origin(Thread);
  origin.Rip += 2;
  ki_push_machine_frame(f, &origin, 0);
  ki_save_frames(Thread, f, Thread->ExceptionFrame, TRAP_SERVICE);
  /* The syscall instruction itself leaves these. */
  f->Rcx = f->Rip;
  f->R11 = f->EFlags;
  ki_system_service(f);
}

NTSTATUS KeRaiseUserException(NTSTATUS Status)
{
  KTHREAD *thread = KeGetCurrentThread();
  ULONG64 dispatcher = trap_state()->user.KiRaiseUserExceptionDispatcher;
  if (!thread->TrapFrame || !dispatcher)
    return Status;
  if (NT_SUCCESS(mm_user_write_u32(thread->Teb + TEB_EXCEPTION_CODE, (ULONG)Status)))
    thread->TrapFrame->Rip = dispatcher;
  return Status;
}

NTSTATUS KiContinue(ULONG64 ContextRecord, BOOLEAN TestAlert)
{
  KTHREAD *thread = KeGetCurrentThread();
  CONTEXT context;
  if (thread->native)
    return STATUS_INVALID_PARAMETER;
  NTSTATUS status = ProbeForRead(ContextRecord, sizeof context, 16);
  if (NT_SUCCESS(status))
    status = mm_user_read(&context, ContextRecord, sizeof context);
  if (!NT_SUCCESS(status))
    return status;
  if (TestAlert)
    KeTestAlertThread(UserMode);
  KeContextToKframes(thread->TrapFrame, thread->ExceptionFrame, thread, &context, UserMode);
  /* It leaves by iretq: a TF that it set traps one instruction later (spec/2.5). */
  thread->TrapFrame->ExceptionActive = TRAP_INTERRUPT;
  thread->context_loaded = TRUE;
  return STATUS_SUCCESS;
}

/* Only the parameters that a record has need to be there. */
static NTSTATUS capture_record(ULONG64 address, EXCEPTION_RECORD64 *record)
{
  const size_t head = offsetof(EXCEPTION_RECORD64, ExceptionInformation);
  memset(record, 0, sizeof *record);
  NTSTATUS status = ProbeForRead(address, head, 4);
  if (NT_SUCCESS(status))
    status = mm_user_read(record, address, head);
  if (!NT_SUCCESS(status))
    return status;
  if (record->NumberParameters > EXCEPTION_MAXIMUM_PARAMETERS)
    return STATUS_INVALID_PARAMETER;
  return mm_user_read(record->ExceptionInformation, address + head,
                      record->NumberParameters * sizeof record->ExceptionInformation[0]);
}

NTSTATUS KiRaiseException(ULONG64 ExceptionRecord, ULONG64 ContextRecord, BOOLEAN FirstChance)
{
  KTHREAD *thread = KeGetCurrentThread();
  EXCEPTION_RECORD64 record;
  CONTEXT context;
  if (thread->native)
    return STATUS_INVALID_PARAMETER;
  NTSTATUS status = ProbeForRead(ContextRecord, sizeof context, 16);
  if (NT_SUCCESS(status))
    status = mm_user_read(&context, ContextRecord, sizeof context);
  if (NT_SUCCESS(status))
    status = capture_record(ExceptionRecord, &record);
  if (!NT_SUCCESS(status))
    return status;
  /* The reserved top bit of a status is user mode's to lose. */
  record.ExceptionCode = (NTSTATUS)((ULONG)record.ExceptionCode & ~0x10000000u);
  KeContextToKframes(thread->TrapFrame, thread->ExceptionFrame, thread, &context, UserMode);
  thread->TrapFrame->ExceptionActive = TRAP_EXCEPTION;
  thread->context_loaded = TRUE;
  /* KiDispatchException takes one off Rip for a breakpoint that came by INT3: so for a raised one a handler sees
   * address - 1 (spec/2.1, last paragraph). */
  KiDispatchException(&record, thread->ExceptionFrame, thread->TrapFrame, UserMode, FirstChance);
  return STATUS_SUCCESS;
}
