/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server of the error port: a native thread that receives what programs report, and has the host answer it. */
#include "client/client.h"

#include "ntos/io/io.h"
#include "ntos/svc/svc_object.h"
#include "ntos/svc/svc_port.h"
#include "ntos/svc/svc_system.h"

#include <stdio.h>
#include <string.h>

#define TAG POOL_TAG('H', 'a', 'r', 'd')
#define AT(pointer) ((ULONG64)(uintptr_t)(pointer))
/* Where an exception's report has its API number, status and record (DBGKM_APIMSG). */
#define REPORT_STATUS 4u
#define REPORT_RECORD 8u

/* One message and what the host is shown of it; in the pool, like all that is behind a fiber. */
struct service {
  struct dbgksim_machine *machine;
  LPC_MESSAGE message;
  struct dbgksim_hard_error error;
  HARDERROR_RESPONSE response;
};

/* A text parameter of the sender as UTF-8; empty if it cannot be read any more. */
static void read_text(EPROCESS *process, ULONG64 address, char *out, size_t size)
{
  UNICODE_STRING64 string;
  if (!NT_SUCCESS(mm_process_read(process, address, &string, sizeof string, NULL)))
    return;
  WCHAR *wide = ExAllocatePoolWithTag(string.Length + sizeof(WCHAR), TAG);
  if (wide && NT_SUCCESS(mm_process_read(process, string.Buffer, wide, string.Length, NULL))) {
    char *text = io_utf8(wide, string.Length / sizeof(WCHAR));
    if (text)
      snprintf(out, size, "%s", text);
    ExFreePool(text);
  }
  ExFreePool(wide);
}

static void read_parameters(const HARDERROR_MSG *in, struct dbgksim_hard_error *error)
{
  EPROCESS *process;
  error->status = in->Status;
  error->options = (HARDERROR_RESPONSE_OPTION)in->ValidResponseOptions;
  error->parameter_count = in->NumberOfParameters;
  memcpy(error->parameters, in->Parameters, sizeof error->parameters);
  if (!NT_SUCCESS(PsLookupProcessByProcessId(in->h.ClientId.UniqueProcess, &process)))
    return;
  for (unsigned i = 0; i < in->NumberOfParameters && i < MAXIMUM_HARDERROR_PARAMETERS; i++)
    if (in->UnicodeStringParameterMask >> i & 1)
      read_text(process, in->Parameters[i], error->texts[i], sizeof error->texts[i]);
  ObDereferenceObject(process);
}

/* On the host's stack. */
static void ask_host(void *argument)
{
  struct service *s = argument;
  s->response = s->machine->hard_error_fn(s->machine->hard_error_context, &s->error);
}

/* Fills in the reply. False: no message that has one. */
static bool answer(struct service *s)
{
  HARDERROR_MSG hard_error;
  const PORT_MESSAGE *h = &s->message.h;
  memset(&s->error, 0, sizeof s->error);
  s->error.pid = (uint32_t)h->ClientId.UniqueProcess;
  s->error.tid = (uint32_t)h->ClientId.UniqueThread;
  if (h->Type != LPC_ERROR_EVENT)
    return false;
  s->error.is_exception = h->TotalLength != sizeof hard_error;
  if (s->error.is_exception) {
    memcpy(&s->error.exception, s->message.data + REPORT_RECORD, sizeof s->error.exception);
  } else {
    memcpy(&hard_error, &s->message, sizeof hard_error);
    read_parameters(&hard_error, &s->error);
  }
  machine_call_host(s->machine, ask_host, s);
  if (s->error.is_exception) {
    NTSTATUS status = s->response == ResponseContinue ? DBG_CONTINUE : DBG_EXCEPTION_NOT_HANDLED;
    memcpy(s->message.data + REPORT_STATUS, &status, sizeof status);
  } else {
    hard_error.Response = s->response;
    memcpy(&s->message, &hard_error, sizeof hard_error);
  }
  return true;
}

static void serve(void *argument)
{
  struct service *s = argument;
  bool replies = false;
  /* A sender that is gone makes a reply fail, and then nothing is received: once more without it. */
  for (unsigned failures = 0; failures < 2;) {
    NTSTATUS status =
        NtReplyWaitReceivePort(s->machine->hard_error_port, 0, replies ? AT(&s->message) : 0, AT(&s->message));
    replies = status == STATUS_SUCCESS && answer(s);
    failures = status == STATUS_SUCCESS ? 0 : failures + 1;
  }
  ExFreePool(s);
}

/* The port of the host, and a thread that serves it. */
static NTSTATUS start(dbgksim_machine *m)
{
  ETHREAD *thread;
  const OBJECT_ATTRIBUTES64 unnamed = {.Length = sizeof unnamed};
  struct service *s = ExAllocatePoolWithTag(sizeof *s, TAG);
  if (!s)
    return STATUS_NO_MEMORY;
  s->machine = m;
  NTSTATUS status = NtCreatePort(AT(&m->hard_error_port), AT(&unnamed), 0, LPC_MAX_MESSAGE_LENGTH, 0);
  if (NT_SUCCESS(status))
    status = NtSetDefaultHardErrorPort(m->hard_error_port);
  if (NT_SUCCESS(status))
    status = PsCreateNativeThread(m->host_process, serve, s, &thread);
  if (NT_SUCCESS(status)) {
    ObDereferenceObject(thread);
    return status;
  }
  ExFreePool(s);
  if (m->hard_error_port)
    NtClose(m->hard_error_port);
  m->hard_error_port = 0;
  return status;
}

enum dbgksim_status dbgksim_serve_hard_errors(dbgksim_machine *m, dbgksim_hard_error_fn *fn, void *context)
{
  if (!m || !fn)
    return DBGKSIM_BAD_ARGUMENT;
  enum dbgksim_status status = machine_enter(m);
  if (status != DBGKSIM_OK)
    return status;
  if (m->pcr.CurrentThread != &m->host_thread->Tcb || m->hard_error_port) {
    status = machine_fail(m, DBGKSIM_BAD_ARGUMENT, "dbgksim_serve_hard_errors: %s",
                          m->hard_error_port ? "the error port has its server" : "from a native thread");
  } else {
    m->hard_error_fn = fn;
    m->hard_error_context = context;
    status = machine_nt(m, start(m), "making the error port");
  }
  machine_leave(m);
  return status;
}
