/* SPDX-License-Identifier: GPL-2.0-or-later */
/* KdpTrap: what a machine with a kernel debugger has behind KiDebugRoutine (spec/2.4, fact 40). */
#include "ntos/kd/internal.h"
#include "ntos/mm/mm.h"

#include <string.h>

/** Counted text of 8-bit characters. */
typedef struct _STRING64 {
  USHORT Length, MaximumLength; /**< bytes */
  ULONG Reserved;
  ULONG64 Buffer;
} STRING64;
C_ASSERT_SIZE(STRING64, 0x10);

typedef struct _KD_SYMBOLS_INFO {
  ULONG64 BaseOfDll;
  ULONG64 ProcessId;
  ULONG CheckSum, SizeOfImage;
} KD_SYMBOLS_INFO;
C_ASSERT_SIZE(KD_SYMBOLS_INFO, 0x18);

/* ---- the conversation ---- */

/* Begins an event of the running thread; the lock is held until finish(). */
static struct dbgksim_kd_event *begin(enum dbgksim_kd_kind kind, const EXCEPTION_RECORD64 *record,
                                      const CONTEXT *context, KPROCESSOR_MODE mode)
{
  struct kd_state *kd = kd_state();
  const ETHREAD *thread = PsGetCurrentThread();
  ExAcquireFastMutex(&kd->KdpDebuggerLock);
  memset(&kd->event, 0, sizeof kd->event);
  kd->event.kind = kind;
  kd->event.pid = (uint32_t)thread->Cid.UniqueProcess;
  kd->event.tid = (uint32_t)thread->Cid.UniqueThread;
  kd->event.kernel_mode = mode == KernelMode;
  kd->event.exception = *record;
  kd->event.context = *context;
  return &kd->event;
}

/* Holds the machine until the debugger has answered. Its context counts whatever else it says. */
static void converse(CONTEXT *context)
{
  struct kd_state *kd = kd_state();
  kd->status = DBG_EXCEPTION_NOT_HANDLED;
  kd->break_in = false;
  kd->reply_length = 0;
  kd->pending = true;
  ke_hold();
  KeWaitForSingleObject(&kd->answered, Executive, KernelMode, FALSE, NULL);
  *context = kd->event.context;
}

static void finish(void) { ExReleaseFastMutex(&kd_state()->KdpDebuggerLock); }

const struct dbgksim_kd_event *kd_pending(void) { return kd_state()->pending ? &kd_state()->event : NULL; }

void kd_answer(const struct dbgksim_kd_answer *answer)
{
  struct kd_state *kd = kd_state();
  kd->status = answer->status;
  kd->break_in = answer->break_in;
  if (answer->context)
    kd->event.context = *answer->context;
  if (answer->reply) {
    kd->reply_length = (ULONG)strnlen(answer->reply, kd->event.reply_maximum);
    memcpy(kd->reply, answer->reply, kd->reply_length);
  }
  kd->pending = false;
  ke_release();
  KeSetEvent(&kd->answered);
}

/* ---- services: their arguments are the thread's registers ---- */

/* Reads at most DBGKSIM_KD_TEXT bytes of a program's text. */
static NTSTATUS capture(ULONG64 address, ULONG length, char text[DBGKSIM_KD_TEXT + 1], uint32_t *captured)
{
  const ULONG size = length < DBGKSIM_KD_TEXT ? length : DBGKSIM_KD_TEXT;
  NTSTATUS status = ProbeForRead(address, size, 1);
  if (NT_SUCCESS(status))
    status = mm_user_read(text, address, size);
  *captured = NT_SUCCESS(status) ? size : 0;
  text[*captured] = 0;
  return status;
}

static NTSTATUS capture_string(ULONG64 address, char text[DBGKSIM_KD_TEXT + 1], uint32_t *captured)
{
  STRING64 string;
  NTSTATUS status = ProbeForRead(address, sizeof string, 1);
  if (NT_SUCCESS(status))
    status = mm_user_read(&string, address, sizeof string);
  return NT_SUCCESS(status) ? capture(string.Buffer, string.Length, text, captured) : status;
}

static void KdpPrint(struct dbgksim_kd_event *event, CONTEXT *context)
{
  event->component = (ULONG)context->R8;
  event->level = (ULONG)context->R9;
  if (kd_query_filter(event->component, event->level) == FALSE) {
    context->Rax = (ULONG)STATUS_SUCCESS;
    return;
  }
  NTSTATUS status = capture(context->Rcx, (USHORT)context->Rdx, event->text, &event->length);
  if (NT_SUCCESS(status)) {
    converse(context);
    status = kd_state()->break_in ? STATUS_BREAKPOINT : STATUS_SUCCESS;
  }
  context->Rax = (ULONG)status;
}

static void KdpPrompt(struct dbgksim_kd_event *event, CONTEXT *context)
{
  const ULONG64 buffer = context->R8;
  const ULONG maximum = (USHORT)context->R9;
  NTSTATUS status = capture(context->Rcx, (USHORT)context->Rdx, event->text, &event->length);
  if (NT_SUCCESS(status) && maximum)
    status = ProbeForWrite(buffer, maximum, 1);
  context->Rax = 0;
  if (!NT_SUCCESS(status))
    return;
  event->reply_maximum = maximum < DBGKSIM_KD_TEXT ? maximum : DBGKSIM_KD_TEXT;
  converse(context);
  const struct kd_state *kd = kd_state();
  context->Rax = NT_SUCCESS(mm_user_write(buffer, kd->reply, kd->reply_length)) ? kd->reply_length : 0;
}

static void KdpSymbol(struct dbgksim_kd_event *event, CONTEXT *context)
{
  KD_SYMBOLS_INFO info;
  NTSTATUS status = capture_string(context->Rcx, event->text, &event->length);
  if (NT_SUCCESS(status))
    status = ProbeForRead(context->Rdx, sizeof info, 1);
  if (NT_SUCCESS(status))
    status = mm_user_read(&info, context->Rdx, sizeof info);
  if (!NT_SUCCESS(status))
    return;
  event->base = info.BaseOfDll;
  event->process_id = info.ProcessId;
  event->checksum = info.CheckSum;
  event->size_of_image = info.SizeOfImage;
  converse(context);
}

static void KdpCommandString(struct dbgksim_kd_event *event, CONTEXT *context)
{
  if (NT_SUCCESS(capture_string(context->Rcx, event->text, &event->length)) &&
      NT_SUCCESS(capture_string(context->Rdx, event->command, &event->command_length)))
    converse(context);
}

static const struct {
  enum dbgksim_kd_kind kind;
  void (*routine)(struct dbgksim_kd_event *event, CONTEXT *context);
} services[] = {
    [BREAKPOINT_PRINT] = {DBGKSIM_KD_PRINT, KdpPrint},
    [BREAKPOINT_PROMPT] = {DBGKSIM_KD_PROMPT, KdpPrompt},
    [BREAKPOINT_LOAD_SYMBOLS] = {DBGKSIM_KD_LOAD_SYMBOLS, KdpSymbol},
    [BREAKPOINT_UNLOAD_SYMBOLS] = {DBGKSIM_KD_UNLOAD_SYMBOLS, KdpSymbol},
    [BREAKPOINT_COMMAND_STRING] = {DBGKSIM_KD_COMMAND_STRING, KdpCommandString},
};
#define SERVICES (sizeof services / sizeof services[0])

/* ---- the same services for the kernel itself ---- */

#define DPFLTR_DEFAULT_ID 101u
#define DPFLTR_ERROR_LEVEL 0u

/* Holds the lock until finish(); the context is the one that the running thread left user mode with. */
static struct dbgksim_kd_event *begin_own(enum dbgksim_kd_kind kind, ULONG service, const char *text, CONTEXT *context)
{
  const EXCEPTION_RECORD64 record = {
      .ExceptionCode = STATUS_BREAKPOINT, .NumberParameters = 1, .ExceptionInformation = {service}};
  const KTHREAD *thread = KeGetCurrentThread();
  memset(context, 0, sizeof *context);
  context->ContextFlags = CONTEXT_ALL;
  KeContextFromKframes(thread->TrapFrame, thread->ExceptionFrame, KeGetCurrentThread(), context);
  struct dbgksim_kd_event *event = begin(kind, &record, context, KernelMode);
  event->length = (ULONG)strnlen(text, DBGKSIM_KD_TEXT);
  memcpy(event->text, text, event->length);
  return event;
}

void kd_print(const char *text)
{
  CONTEXT context;
  struct dbgksim_kd_event *event = begin_own(DBGKSIM_KD_PRINT, BREAKPOINT_PRINT, text, &context);
  event->component = DPFLTR_DEFAULT_ID;
  event->level = DPFLTR_ERROR_LEVEL;
  converse(&context);
  finish();
}

ULONG kd_prompt(const char *text, char *reply, ULONG maximum)
{
  CONTEXT context;
  struct dbgksim_kd_event *event = begin_own(DBGKSIM_KD_PROMPT, BREAKPOINT_PROMPT, text, &context);
  event->reply_maximum = maximum;
  converse(&context);
  const ULONG length = kd_state()->reply_length;
  memcpy(reply, kd_state()->reply, length);
  finish();
  return length;
}

/* ---- exceptions ---- */

static BOOLEAN KdpReport(const EXCEPTION_RECORD64 *ExceptionRecord, CONTEXT *Context, KPROCESSOR_MODE PreviousMode,
                         BOOLEAN SecondChance)
{
  const NTSTATUS code = ExceptionRecord->ExceptionCode;
  bool debug_exception = code == STATUS_BREAKPOINT || code == STATUS_SINGLE_STEP || code == STATUS_ASSERTION_FAILURE;
  if (!SecondChance && !debug_exception && !(kd_state()->NtGlobalFlag & FLG_STOP_ON_EXCEPTION))
    return FALSE;
  begin(DBGKSIM_KD_EXCEPTION, ExceptionRecord, Context, PreviousMode)->first_chance = !SecondChance;
  converse(Context);
  BOOLEAN handled = NT_SUCCESS(kd_state()->status);
  finish();
  return handled;
}

BOOLEAN KdpTrap(KTRAP_FRAME *TrapFrame, KEXCEPTION_FRAME *ExceptionFrame, EXCEPTION_RECORD64 *ExceptionRecord,
                CONTEXT *Context, KPROCESSOR_MODE PreviousMode, BOOLEAN SecondChance)
{
  (void)TrapFrame, (void)ExceptionFrame;
  const ULONG64 service = ExceptionRecord->ExceptionInformation[0];
  if (ExceptionRecord->ExceptionCode != STATUS_BREAKPOINT || !ExceptionRecord->NumberParameters ||
      service == BREAKPOINT_BREAK || service >= SERVICES)
    return KdpReport(ExceptionRecord, Context, PreviousMode, SecondChance);
  const ULONG64 rip = Context->Rip;
  services[service].routine(begin(services[service].kind, ExceptionRecord, Context, PreviousMode), Context);
  finish();
  /* A debugger that moved Rip itself means it. */
  if (Context->Rip == rip)
    Context->Rip += KD_BREAKPOINT_SIZE;
  return TRUE;
}
