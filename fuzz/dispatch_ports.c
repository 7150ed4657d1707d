/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Servers of the exception port and of the error port. */
#include "dispatch.h"

#include "dbgk/internal.h"
#include "ntos/svc/svc_object.h"
#include "ntos/svc/svc_port.h"
#include "ntos/svc/svc_process.h"
#include "ntos/svc/svc_system.h"
#include "ntos/trap/trap.h"

#include <string.h>

#define PROCESS_EXCEPTION_PORT_CLASS 8u

union message {
  PORT_MESSAGE h;
  DBGKM_APIMSG api;
  HARDERROR_MSG error;
  UCHAR bytes[LPC_MAX_MESSAGE_LENGTH];
};
/** The last message that was received and not answered. */
static union message kept;

static HANDLE make_port(void)
{
  HANDLE port = 0;
  const OBJECT_ATTRIBUTES64 unnamed = {.Length = sizeof unnamed};
  NTSTATUS status = NtCreatePort(AT(&port), AT(&unnamed), 0, LPC_MAX_MESSAGE_LENGTH, 0);
  FUZZ_CHECK(status == STATUS_SUCCESS, "no port: %08X", (unsigned)status);
  return port;
}

void dispatch_make_ports(void)
{
  dispatch.exception_port = make_port();
  dispatch.error_port = make_port();
}

static void close_port(HANDLE *port)
{
  if (*port)
    NtClose(*port);
  *port = 0;
}

void dispatch_change_port(struct fuzz_input *in)
{
  const uint8_t what = fuzz_byte(in);
  switch (what % 6) {
  case 0:
    NtSetInformationProcess(dispatch.process_handle, PROCESS_EXCEPTION_PORT_CLASS, AT(&dispatch.exception_port),
                            sizeof dispatch.exception_port);
    break;
  case 1:
    if (dispatch.error_port && NtSetDefaultHardErrorPort(dispatch.error_port) == STATUS_SUCCESS)
      dispatch.error_port_is_set = true;
    break;
  case 2:
    close_port(&dispatch.exception_port);
    break;
  case 3:
    close_port(&dispatch.error_port);
    break;
  case 4: /* one port for both */
    if (NtSetDefaultHardErrorPort(dispatch.exception_port) == STATUS_SUCCESS)
      dispatch.error_port_is_set = true;
    break;
  default: { /* a handle that is none, or of something else */
    const HANDLE handle = what & 0x80 ? dispatch.object : fuzz_number(in, 1);
    NtSetInformationProcess(dispatch.process_handle, PROCESS_EXCEPTION_PORT_CLASS, AT(&handle), sizeof handle);
  }
  }
}

/* What the reply says: ReturnedStatus of an exception, Response of a hard error. */
static void fill_in(struct fuzz_input *in, union message *m)
{
  static const NTSTATUS statuses[] = {
      DBG_EXCEPTION_NOT_HANDLED, DBG_CONTINUE,        DBG_EXCEPTION_HANDLED, STATUS_SUCCESS, STATUS_PENDING,
      DBG_REPLY_LATER,           STATUS_UNSUCCESSFUL, STATUS_BREAKPOINT};
  const uint8_t what = fuzz_byte(in);
  if (m->h.Type == LPC_ERROR_EVENT && m->h.TotalLength == sizeof m->error)
    m->error.Response = what;
  else
    m->api.ReturnedStatus = statuses[what % (sizeof statuses / sizeof statuses[0])];
}

/* A server that repairs the thread that waits. */
static void repair(struct fuzz_input *in, const union message *m)
{
  ETHREAD *thread;
  CONTEXT context = {.ContextFlags = CONTEXT_ALL};
  if (!NT_SUCCESS(PsLookupThreadByThreadId(m->h.ClientId.UniqueThread, &thread)))
    return;
  if (NT_SUCCESS(PsGetContextThread(thread, &context))) {
    context.Rip = FUZZ_PAGES + fuzz_number(in, 1);
    PsSetContextThread(thread, &context);
  }
  ObDereferenceObject(thread);
}

static void reply(struct fuzz_input *in, HANDLE port, union message *m)
{
  const uint8_t how = fuzz_byte(in);
  fill_in(in, m);
  switch (how & 15) {
  case 1: /* late: with the next message */
    kept = *m;
    return;
  case 2:
    m->h.MessageId++;
    break;
  case 3:
    m->h.ClientId.UniqueThread += fuzz_number(in, 1);
    break;
  case 4:
    m->h.ClientId.UniqueProcess += fuzz_number(in, 1);
    break;
  case 5: /* lengths as they come */
    m->h.DataLength = (USHORT)fuzz_number(in, 2);
    m->h.TotalLength = (USHORT)fuzz_number(in, 2);
    break;
  case 6: /* short but sound */
    m->h.DataLength = (USHORT)(fuzz_number(in, 1) % (m->h.DataLength + 1u));
    m->h.TotalLength = (USHORT)(m->h.DataLength + sizeof m->h);
    break;
  case 7: /* bytes of the input over the message */
    fuzz_bytes(in, m->bytes + fuzz_number(in, 1) % (sizeof m->bytes - 8), 8);
    break;
  case 8:
    close_port(port == dispatch.exception_port ? &dispatch.exception_port : &dispatch.error_port);
    return;
  case 9:
    repair(in, m);
    break;
  case 10: /* through the other port */
    NtReplyPort(port == dispatch.exception_port ? dispatch.error_port : dispatch.exception_port, AT(m));
    break;
  case 11:
    NtTerminateProcess(dispatch.process_handle, STATUS_UNSUCCESSFUL);
    return;
  default:
    break;
  }
  if (how & 0x10)
    NtReplyPort(port, AT(m));
  if (how & 0x20 && kept.h.MessageId)
    NtReplyPort(port, AT(&kept));
  NtReplyPort(port, AT(m));
}

static bool serve(struct fuzz_input *in, HANDLE port)
{
  const LONG64 now = 0;
  union message message = {.h = {0}};
  if (!port || NtReplyWaitReceivePortEx(port, 0, 0, AT(&message), AT(&now)) != STATUS_SUCCESS)
    return false;
  reply(in, port, &message);
  return true;
}

bool dispatch_serve_ports(struct fuzz_input *in)
{
  return serve(in, dispatch.exception_port) || serve(in, dispatch.error_port);
}

void dispatch_forget_messages(void) { memset(&kept, 0, sizeof kept); }

void dispatch_forget_error_port(void)
{
  struct dbgk_state *dbgk = dbgk_state();
  if (!dispatch.error_port_is_set)
    return;
  ObDereferenceObject(dbgk->ExpDefaultErrorPort);
  ObDereferenceObject(dbgk->ExpDefaultErrorPortProcess);
  dbgk->ExpDefaultErrorPort = NULL;
  dbgk->ExpDefaultErrorPortProcess = NULL;
}
