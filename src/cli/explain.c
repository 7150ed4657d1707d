/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --explain: each probe point between a trap and the resumption as the NT routine that it stands in, with the fields
 * that decided. */
#include "cli/view.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

/* Names of routines fill this column. */
#define ROUTINE_WIDTH 27

static const char *api_name(uint64_t number)
{
  static const char *const names[] = {"DbgKmExceptionApi",  "DbgKmCreateThreadApi", "DbgKmCreateProcessApi",
                                      "DbgKmExitThreadApi", "DbgKmExitProcessApi",  "DbgKmLoadDllApi",
                                      "DbgKmUnloadDllApi",  "DbgKmErrorReportApi"};
  return number < sizeof names / sizeof names[0] ? names[number] : "?";
}

static const char *state_name(uint64_t number)
{
  static const char *const names[] = {"DbgIdle",
                                      "DbgReplyPending",
                                      "DbgCreateThreadStateChange",
                                      "DbgCreateProcessStateChange",
                                      "DbgExitThreadStateChange",
                                      "DbgExitProcessStateChange",
                                      "DbgExceptionStateChange",
                                      "DbgBreakpointStateChange",
                                      "DbgSingleStepStateChange",
                                      "DbgLoadDllStateChange",
                                      "DbgUnloadDllStateChange"};
  return number < sizeof names / sizeof names[0] ? names[number] : "?";
}

static const char *vector_name(uint64_t vector)
{
  static const char *const names[] = {"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "",
                                      "#TS", "#NP", "#SS", "#GP", "#PF", "",    "#MF", "#AC", "#MC", "#XM"};
  return vector < sizeof names / sizeof names[0] && *names[vector] ? names[vector] : "INT";
}

static void line(struct view *view, const char *routine, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void line(struct view *view, const char *routine, const char *format, ...)
{
  va_list arguments;
  fprintf(view->out, "%13s|  %-*s ", "", ROUTINE_WIDTH, routine);
  va_start(arguments, format);
  vfprintf(view->out, format, arguments);
  va_end(arguments);
  fputc('\n', view->out);
}

static void explain_trap(struct view *view, const struct dbgksim_trace_record *r)
{
  char place[256], name[32], stack[32];
  view_place(view, r->pid, r->b, place, sizeof place);
  switch (r->kind) {
  case DBGKSIM_TRACE_TRAP:
    snprintf(name, sizeof name, "%s, vector %" PRIu64, vector_name(r->a), r->a);
    if (r->a == 14)
      line(view, name, "rip %s, address 0x%" PRIx64 ", error code 0x%" PRIx64, place, r->d, r->c);
    else if (r->a == 13)
      line(view, name, "rip %s, error code 0x%" PRIx64, place, r->c);
    else
      line(view, name, "rip %s", place);
    break;
  case DBGKSIM_TRACE_GATE_FAULT:
    snprintf(name, sizeof name, "IDT[0x%02" PRIx64 "]", r->a);
    line(view, name, "%s: %s, error code 0x%" PRIx64, r->text, vector_name(r->b), r->c);
    break;
  case DBGKSIM_TRACE_GATE:
    snprintf(name, sizeof name, "IDT[0x%02" PRIx64 "]", r->a);
    stack[0] = 0;
    if (r->e)
      snprintf(stack, sizeof stack, ", stack IST %u", (unsigned)r->e & 7);
    line(view, name, "gate DPL %" PRIu64 "%s%s, leads to %s", r->b, r->d ? ", reached by software" : "", stack, r->text);
    break;
  default:
    line(view, r->text, "KTRAP_FRAME 0x%" PRIx64 ": rip %s, rsp 0x%" PRIx64 ", eflags 0x%" PRIx64, r->a, place, r->c,
         r->d);
  }
}

/* Codes that only KiPreprocessFault sees. */
static const char *code_name(uint64_t code, char number[16])
{
  static const char *const internal[] = {"KI_EXCEPTION_GP_FAULT", "KI_EXCEPTION_INVALID_OP",
                                         "KI_EXCEPTION_INTEGER_DIVIDE_BY_ZERO"};
  if (code > 0x10000000 && code <= 0x10000003)
    return internal[code - 0x10000001];
  return view_status((NTSTATUS)code, number);
}

/* "Routine: what it decided" */
static void explain_decision(struct view *view, const struct dbgksim_trace_record *r)
{
  char routine[DBGKSIM_TRACE_TEXT];
  const char *what = strstr(r->text, ": ");
  snprintf(routine, sizeof routine, "%.*s", what ? (int)(what - r->text) : 0, r->text);
  line(view, routine, "%s", what ? what + 2 : r->text);
}

static void explain_bugcheck(struct view *view, const struct dbgksim_trace_record *r)
{
  if (r->a)
    line(view, "KeBugCheckEx", "0x%08" PRIx64 " %s (0x%" PRIx64 ", 0x%" PRIx64 ", 0x%" PRIx64 ", 0x%" PRIx64 ")", r->a,
         r->text, r->b, r->c, r->d, r->e);
  else
    line(view, "triple fault", "#DF could not be delivered either, rip 0x%" PRIx64, r->b);
}

static void explain_dispatch(struct view *view, const struct dbgksim_trace_record *r)
{
  char number[16], place[256], rip[256];
  const char *code = code_name(r->a, number), *mode = r->e ? "" : ", kernel mode";
  switch (r->kind) {
  case DBGKSIM_TRACE_DISPATCH:
    view_place(view, r->pid, r->b, place, sizeof place);
    if (r->d == r->b)
      line(view, "KiDispatchException", "%s at %s, %s chance%s", code, place, r->c ? "first" : "second", mode);
    else
      line(view, "KiDispatchException", "%s at %s, %s chance%s, context's rip %s", code, place,
           r->c ? "first" : "second", mode, view_place(view, r->pid, r->d, rip, sizeof rip));
    break;
  case DBGKSIM_TRACE_PREPROCESS:
    line(view, "KiPreprocessFault", "%s: %s", r->text,
         r->c ? "no exception" : view_status((NTSTATUS)r->b, number));
    break;
  case DBGKSIM_TRACE_KD_STUB:
    if (r->c && r->a == (uint32_t)STATUS_BREAKPOINT && r->b)
      line(view, "KiDebugRoutine", "debug service %" PRIu64 ": handled", r->b);
    else
      line(view, "KiDebugRoutine", r->c ? "the kernel debugger handled it" : "KdpStub or the kernel debugger passes");
    break;
  case DBGKSIM_TRACE_FORWARD:
    line(view, "DbgkForwardException", "%s to the %s port, %s chance%s%s", code, r->b ? "debug" : "exception",
         r->c ? "second" : "first", *r->text ? ": " : "", r->text);
    break;
  case DBGKSIM_TRACE_FORWARD_RESULT:
    if (NT_SUCCESS((NTSTATUS)r->b))
      line(view, "DbgkForwardException", "%s: the debugger said %s", r->a ? "handled" : "not handled",
           view_status((NTSTATUS)r->c, number));
    else
      line(view, "DbgkForwardException", "not handled: the message could not be sent, %s",
           view_status((NTSTATUS)r->b, number));
    break;
  case DBGKSIM_TRACE_USER_FRAME:
    if (NT_SUCCESS((NTSTATUS)r->c))
      line(view, r->text, "gets CONTEXT, EXCEPTION_RECORD and machine frame at 0x%" PRIx64, r->a);
    else
      line(view, r->text, "no room for its frame at 0x%" PRIx64 ": %s", r->a, view_status((NTSTATUS)r->c, number));
    break;
  case DBGKSIM_TRACE_RESUME:
    line(view, r->d ? "back in user mode" : "back in kernel mode", "rip %s, rsp 0x%" PRIx64 ", eflags 0x%" PRIx64,
         view_place(view, r->pid, r->a, rip, sizeof rip), r->b, r->c);
    break;
  case DBGKSIM_TRACE_EXCEPTION_PORT:
    if ((NTSTATUS)r->b == STATUS_USER_APC)
      line(view, "DbgkForwardException", "the thread is to exit: it does not wait for the reply");
    else if (r->d)
      line(view, "DbgkpSendErrorMessage", "%s: the error port's server said %s", r->a ? "handled" : "not handled",
           view_status((NTSTATUS)r->b, number));
    else if (NT_SUCCESS((NTSTATUS)r->b))
      line(view, "DbgkForwardException", "%s: the exception port's server said %s", r->a ? "handled" : "not handled",
           view_status((NTSTATUS)r->c, number));
    else
      line(view, "DbgkForwardException", "not handled: no reply from the exception port, %s",
           view_status((NTSTATUS)r->b, number));
    break;
  default:
    if (strcmp(r->text, "process") == 0)
      line(view, "PsTerminateProcess", "process %" PRIu64 " is to end with %s", r->b, code);
    else
      line(view, "PspTerminateThreadByPointer", "thread %" PRIu64 " is to end with %s", r->b, code);
  }
}

/* ": STATUS_X" of a failure; nothing for success. */
static const char *failure(uint64_t status, char out[80])
{
  char number[16];
  out[0] = 0;
  if ((NTSTATUS)status != STATUS_SUCCESS)
    snprintf(out, 80, ": %s", view_status((NTSTATUS)status, number));
  return out;
}

/* DEBUG_EVENT.Flags (spec/3.1). */
#define EVENT_NOWAIT 0x2u
#define EVENT_SUSPEND 0x20u
/* Flag of a send: to the exception port. */
#define SEND_LPC 0x4u

static void explain_message(struct view *view, const struct dbgksim_trace_record *r)
{
  char number[16], failed[80];
  switch (r->kind) {
  case DBGKSIM_TRACE_SEND:
    if (r->b & SEND_LPC)
      line(view, "DbgkpSendApiMessageLpc", "%s as %s, %" PRIu32 ":%" PRIu32 " waits for the reply",
           api_name(r->a), r->a ? "LPC_ERROR_EVENT" : "LPC_EXCEPTION", r->pid, r->tid);
    else
      line(view, "DbgkpSendApiMessage", "%s%s", api_name(r->a), r->b & 1 ? ", the process is frozen around it" : "");
    break;
  case DBGKSIM_TRACE_QUEUE:
    if (!NT_SUCCESS((NTSTATUS)r->c))
      line(view, "DbgkpQueueMessage", "%s%s%s%s", api_name(r->a), failure(r->c, failed), *r->text ? ", " : "", r->text);
    else if (r->b & EVENT_NOWAIT)
      line(view, "DbgkpQueueMessage", "%s, made up: INACTIVE until the attach commits%s", api_name(r->a),
           r->b & EVENT_SUSPEND ? ", its thread is suspended" : "");
    else
      line(view, "DbgkpQueueMessage", "appended, EventsPresent is set, %" PRIu32 ":%" PRIu32 " waits for ContinueEvent",
           r->pid, r->tid);
    break;
  case DBGKSIM_TRACE_FREEZE:
    line(view, "DbgkpSuspendProcess", "%" PRIu64 " other thread%s frozen", r->a, r->a == 1 ? "" : "s");
    break;
  case DBGKSIM_TRACE_THAW:
    line(view, "DbgkpResumeProcess", "threads thawed");
    break;
  case DBGKSIM_TRACE_WAIT_EVENT:
    line(view, "NtWaitForDebugEvent", "%s of %" PRIu64 ":%" PRIu64 "%s", state_name(r->b), r->c, r->d,
         failure(r->a, failed));
    break;
  case DBGKSIM_TRACE_CONTINUE:
    line(view, "NtDebugContinue", "%" PRIu64 ":%" PRIu64 ", %s%s", r->a, r->b, view_status((NTSTATUS)r->c, number),
         failure(r->d, failed));
    break;
  default:
    if (r->c & EVENT_NOWAIT)
      line(view, "DbgkpWakeTarget", "%s%s, nobody waits for it: freed", api_name(r->a),
           r->c & EVENT_SUSPEND ? ", its thread is resumed" : "");
    else
      line(view, "DbgkpWakeTarget", "ReturnedStatus = %s, ContinueEvent is set", view_status((NTSTATUS)r->b, number));
  }
}

/* True for the first step of a path: a trap, a raised exception, the end of a process, a message that no exception
 * sends, and one that nobody sends. */
static bool begins_path(const struct view *view, const struct dbgksim_trace_record *record)
{
  return record->kind == DBGKSIM_TRACE_TRAP ||
         (record->kind == DBGKSIM_TRACE_TERMINATE && strcmp(record->text, "process") == 0) ||
         (record->kind == DBGKSIM_TRACE_SEND && record->a != 0) ||
         (record->kind == DBGKSIM_TRACE_DECISION && record->a == 0) ||
         (record->kind == DBGKSIM_TRACE_DISPATCH && view->last_probe != DBGKSIM_TRACE_TRAP_FRAME);
}

void explain_record(struct view *view, const struct dbgksim_trace_record *record)
{
  if (begins_path(view, record))
    fputc('\n', view->out);
  view->last_probe = record->kind;
  switch (record->kind) {
  case DBGKSIM_TRACE_TRAP:
  case DBGKSIM_TRACE_GATE_FAULT:
  case DBGKSIM_TRACE_GATE:
  case DBGKSIM_TRACE_TRAP_FRAME:
    explain_trap(view, record);
    break;
  case DBGKSIM_TRACE_DECISION:
    explain_decision(view, record);
    break;
  case DBGKSIM_TRACE_BUGCHECK:
    explain_bugcheck(view, record);
    break;
  case DBGKSIM_TRACE_DISPATCH:
  case DBGKSIM_TRACE_PREPROCESS:
  case DBGKSIM_TRACE_KD_STUB:
  case DBGKSIM_TRACE_FORWARD:
  case DBGKSIM_TRACE_FORWARD_RESULT:
  case DBGKSIM_TRACE_USER_FRAME:
  case DBGKSIM_TRACE_RESUME:
  case DBGKSIM_TRACE_EXCEPTION_PORT:
  case DBGKSIM_TRACE_TERMINATE:
    explain_dispatch(view, record);
    break;
  case DBGKSIM_TRACE_SEND:
  case DBGKSIM_TRACE_QUEUE:
  case DBGKSIM_TRACE_FREEZE:
  case DBGKSIM_TRACE_THAW:
  case DBGKSIM_TRACE_WAIT_EVENT:
  case DBGKSIM_TRACE_CONTINUE:
  case DBGKSIM_TRACE_WAKE:
    explain_message(view, record);
    break;
  default:
    line(view, "remark", "%s", record->text);
  }
}
