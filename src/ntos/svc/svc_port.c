/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/svc/svc_port.h"

#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/ps/ps.h"
#include "ntos/svc/svc.h"
#include "ntos/svc/svc_named.h"

#include <string.h>

/** REMOTE_PORT_VIEW: what the other side has mapped. */
typedef struct _REMOTE_PORT_VIEW {
  ULONG Length, Reserved;
  ULONG64 ViewSize, ViewBase;
} REMOTE_PORT_VIEW;
C_ASSERT_SIZE(REMOTE_PORT_VIEW, 0x18);
#define PORT_VIEW_SIZE 0x30u
#define SECURITY_QUALITY_OF_SERVICE_SIZE 0xCu
/* LPC_KERNELMODE_MESSAGE and LPC_NO_IMPERSONATE, which user mode may leave in a type. */
#define TYPE_FLAGS 0xC000u

static NTSTATUS reference_port(HANDLE handle, LPCP_PORT_OBJECT **port)
{
  return ObReferenceObjectByHandle(handle, 0, ob_types()->Port, KeGetPreviousMode(), (void **)port, NULL);
}

/* ---- messages ---- */

/* First half: the header, whose lengths agree with each other. */
static NTSTATUS capture_header(ULONG64 address, PORT_MESSAGE *h)
{
  NTSTATUS status = ProbeForRead(address, sizeof *h, 4);
  if (NT_SUCCESS(status))
    status = mm_user_read(h, address, sizeof *h);
  if (NT_SUCCESS(status) && h->DataLength + sizeof *h > h->TotalLength)
    status = STATUS_INVALID_PARAMETER;
  return status;
}

/* Second half: the data, which the port must allow. */
static NTSTATUS capture_data(ULONG64 address, const LPCP_PORT_OBJECT *port, LPC_MESSAGE *message)
{
  if (message->h.TotalLength > lpc_max_message_length(port))
    return STATUS_PORT_MESSAGE_TOO_LONG;
  return mm_user_read(message->data, address + sizeof message->h, message->h.DataLength);
}

static NTSTATUS write_message(ULONG64 address, const PORT_MESSAGE *h)
{
  return mm_user_write(address, h, sizeof *h + h->DataLength);
}

NTSTATUS NtRequestPort(HANDLE PortHandle, ULONG64 RequestMessage)
{
  LPC_MESSAGE message;
  LPCP_PORT_OBJECT *port;
  NTSTATUS status = capture_header(RequestMessage, &message.h);
  if (NT_SUCCESS(status) && message.h.DataInfoOffset)
    status = STATUS_INVALID_PARAMETER;
  if (NT_SUCCESS(status))
    status = reference_port(PortHandle, &port);
  if (!NT_SUCCESS(status))
    return status;
  message.h.Type = LPC_DATAGRAM;
  status = capture_data(RequestMessage, port, &message);
  if (NT_SUCCESS(status))
    status = LpcRequestPort(port, &message);
  ObDereferenceObject(port);
  return status;
}

NTSTATUS NtRequestWaitReplyPort(HANDLE PortHandle, ULONG64 RequestMessage, ULONG64 ReplyMessage)
{
  LPC_MESSAGE message, reply;
  LPCP_PORT_OBJECT *port;
  NTSTATUS status = capture_header(RequestMessage, &message.h);
  if (NT_SUCCESS(status))
    status = ProbeForWrite(ReplyMessage, sizeof reply.h, 4);
  if (!NT_SUCCESS(status))
    return status;
  message.h.Type &= (USHORT)~TYPE_FLAGS;
  if (message.h.Type == LPC_REQUEST)
    return lpc_missing(LPC_MISSING_CALLBACKS);
  if (message.h.Type)
    return STATUS_INVALID_PARAMETER;
  if (message.h.DataInfoOffset)
    return lpc_missing(LPC_MISSING_DATA_INFO);
  status = reference_port(PortHandle, &port);
  if (!NT_SUCCESS(status))
    return status;
  message.h.Type = LPC_REQUEST;
  status = capture_data(RequestMessage, port, &message);
  if (NT_SUCCESS(status))
    status = LpcRequestWaitReplyPort(port, &message, &reply);
  if (status == STATUS_SUCCESS)
    status = write_message(ReplyMessage, &reply.h);
  ObDereferenceObject(port);
  return status;
}

/* The thread that a message is for must exist. */
static NTSTATUS look_up_client(const PORT_MESSAGE *h)
{
  ETHREAD *thread;
  NTSTATUS status = PsLookupThreadByThreadId(h->ClientId.UniqueThread, &thread);
  if (!NT_SUCCESS(status))
    return status;
  if (thread->Cid.UniqueProcess != h->ClientId.UniqueProcess)
    status = STATUS_INVALID_CID;
  ObDereferenceObject(thread);
  return status;
}

static NTSTATUS capture_reply_header(ULONG64 address, PORT_MESSAGE *h)
{
  NTSTATUS status = capture_header(address, h);
  return NT_SUCCESS(status) && !h->MessageId ? STATUS_INVALID_PARAMETER : status;
}

static NTSTATUS reply_through(LPCP_PORT_OBJECT *port, ULONG64 address, LPC_MESSAGE *reply)
{
  NTSTATUS status = capture_data(address, port, reply);
  if (NT_SUCCESS(status))
    status = look_up_client(&reply->h);
  return NT_SUCCESS(status) ? lpc_reply(port, reply) : status;
}

NTSTATUS NtReplyPort(HANDLE PortHandle, ULONG64 ReplyMessage)
{
  LPC_MESSAGE reply;
  LPCP_PORT_OBJECT *port;
  NTSTATUS status = capture_reply_header(ReplyMessage, &reply.h);
  if (NT_SUCCESS(status))
    status = reference_port(PortHandle, &port);
  if (!NT_SUCCESS(status))
    return status;
  status = reply_through(port, ReplyMessage, &reply);
  ObDereferenceObject(port);
  return status;
}

static NTSTATUS receive_from(LPCP_PORT_OBJECT *port, ULONG64 PortContext, ULONG64 ReceiveMessage, const LONG64 *Timeout)
{
  struct lpc_queued *message;
  NTSTATUS status = lpc_receive(port, Timeout, &message);
  if (!message)
    return status;
  status = write_message(ReceiveMessage, lpc_received(message));
  if (NT_SUCCESS(status) && PortContext) {
    ULONG64 context = lpc_received_context(message);
    status = mm_user_write(PortContext, &context, sizeof context);
  }
  if (NT_SUCCESS(status))
    lpc_free_message(message);
  else
    lpc_put_back(port, message);
  return status;
}

NTSTATUS NtReplyWaitReceivePortEx(HANDLE PortHandle, ULONG64 PortContext, ULONG64 ReplyMessage, ULONG64 ReceiveMessage,
                                  ULONG64 Timeout)
{
  LPC_MESSAGE reply;
  LPCP_PORT_OBJECT *port;
  LONG64 storage;
  const LONG64 *timeout;
  NTSTATUS status = PortContext ? ProbeForWrite(PortContext, sizeof(ULONG64), 4) : STATUS_SUCCESS;
  if (NT_SUCCESS(status) && ReplyMessage)
    status = capture_reply_header(ReplyMessage, &reply.h);
  if (NT_SUCCESS(status))
    status = ProbeForWrite(ReceiveMessage, sizeof reply.h, 4);
  if (NT_SUCCESS(status))
    status = svc_capture_timeout(Timeout, &storage, &timeout);
  if (NT_SUCCESS(status))
    status = reference_port(PortHandle, &port);
  if (!NT_SUCCESS(status))
    return status;
  if (ReplyMessage)
    status = reply_through(port, ReplyMessage, &reply);
  if (NT_SUCCESS(status))
    status = receive_from(port, PortContext, ReceiveMessage, timeout);
  ObDereferenceObject(port);
  return status;
}

NTSTATUS NtReplyWaitReceivePort(HANDLE PortHandle, ULONG64 PortContext, ULONG64 ReplyMessage, ULONG64 ReceiveMessage)
{
  return NtReplyWaitReceivePortEx(PortHandle, PortContext, ReplyMessage, ReceiveMessage, 0);
}

/* ---- connections ---- */

NTSTATUS NtCreatePort(ULONG64 PortHandle, ULONG64 ObjectAttributes, ULONG MaxConnectionInfoLength,
                      ULONG MaxMessageLength, ULONG MaxPoolUsage)
{
  struct svc_object_attributes attributes;
  LPCP_PORT_OBJECT *port;
  (void)MaxPoolUsage;
  /* They are not optional here. */
  NTSTATUS status =
      ObjectAttributes ? svc_begin_create(PortHandle, ObjectAttributes, &attributes) : STATUS_ACCESS_VIOLATION;
  if (!NT_SUCCESS(status))
    return status;
  status = LpcpCreatePort(MaxConnectionInfoLength, MaxMessageLength, &port);
  if (NT_SUCCESS(status))
    return svc_finish_create(port, PORT_ALL_ACCESS, &attributes, PortHandle);
  svc_release_object_attributes(&attributes);
  return status;
}

/* Views of sections are not there: one's own cannot be given, the other side's is empty. */
static NTSTATUS check_views(ULONG64 own, ULONG64 remote)
{
  ULONG length = PORT_VIEW_SIZE, remote_length = sizeof(REMOTE_PORT_VIEW);
  NTSTATUS status = STATUS_SUCCESS;
  if (own && NT_SUCCESS(status = ProbeForWrite(own, PORT_VIEW_SIZE, 4)))
    status = mm_user_read(&length, own, sizeof length);
  if (NT_SUCCESS(status) && length != PORT_VIEW_SIZE)
    status = STATUS_INVALID_PARAMETER;
  if (remote && NT_SUCCESS(status) && NT_SUCCESS(status = ProbeForWrite(remote, sizeof(REMOTE_PORT_VIEW), 4)))
    status = mm_user_read(&remote_length, remote, sizeof remote_length);
  if (NT_SUCCESS(status) && remote_length != sizeof(REMOTE_PORT_VIEW))
    status = STATUS_INVALID_PARAMETER;
  return NT_SUCCESS(status) && own ? lpc_missing(LPC_MISSING_VIEWS) : status;
}

static NTSTATUS write_no_view(ULONG64 remote)
{
  const REMOTE_PORT_VIEW none = {.Length = sizeof none};
  return remote ? mm_user_write(remote, &none, sizeof none) : STATUS_SUCCESS;
}

/* Gives a port that was made its handle. */
static NTSTATUS insert_port(LPCP_PORT_OBJECT *port, ULONG64 address, HANDLE *handle)
{
  NTSTATUS status = ObInsertObject(port, NULL, 0, PORT_ALL_ACCESS, handle);
  if (!NT_SUCCESS(status))
    return status;
  status = mm_user_write(address, handle, sizeof *handle);
  if (!NT_SUCCESS(status))
    ObCloseHandle(*handle, KernelMode);
  return status;
}

struct connect_arguments {
  ULONG64 PortName, SecurityQos, ClientView, ServerView, MaxMessageLength, Information, InformationLength;
  ULONG length;
  UCHAR information[LPC_MAX_CONNECTION_INFO];
};

static NTSTATUS capture_connect(struct connect_arguments *a, LPCP_PORT_OBJECT **port)
{
  UCHAR quality[SECURITY_QUALITY_OF_SERVICE_SIZE];
  char *name;
  NTSTATUS status = ProbeForRead(a->SecurityQos, sizeof quality, 4);
  if (NT_SUCCESS(status))
    status = mm_user_read(quality, a->SecurityQos, sizeof quality);
  if (NT_SUCCESS(status))
    status = check_views(a->ClientView, a->ServerView);
  if (NT_SUCCESS(status) && a->MaxMessageLength)
    status = ProbeForWrite(a->MaxMessageLength, sizeof(ULONG), 4);
  if (NT_SUCCESS(status) && a->InformationLength && NT_SUCCESS(status = ProbeForWrite(a->InformationLength, 4, 4)))
    status = mm_user_read(&a->length, a->InformationLength, sizeof a->length);
  if (NT_SUCCESS(status) && a->Information)
    status = ProbeForWrite(a->Information, a->length, 4);
  if (NT_SUCCESS(status))
    status = mm_user_read_utf8(a->PortName, &name);
  if (!NT_SUCCESS(status))
    return status;
  status = *name ? ObReferenceObjectByName(name, ob_types()->Port, (void **)port) : STATUS_OBJECT_NAME_INVALID;
  ExFreePool(name);
  return status;
}

static NTSTATUS return_information(const struct connect_arguments *a)
{
  if (!a->Information)
    return STATUS_SUCCESS;
  NTSTATUS status = mm_user_write(a->Information, a->information, a->length);
  return NT_SUCCESS(status) && a->InformationLength ? mm_user_write(a->InformationLength, &a->length, sizeof a->length)
                                                    : status;
}

NTSTATUS NtConnectPort(ULONG64 PortHandle, ULONG64 PortName, ULONG64 SecurityQos, ULONG64 ClientView,
                       ULONG64 ServerView, ULONG64 MaxMessageLength, ULONG64 ConnectionInformation,
                       ULONG64 ConnectionInformationLength)
{
  struct connect_arguments a = {
      .PortName = PortName,
      .SecurityQos = SecurityQos,
      .ClientView = ClientView,
      .ServerView = ServerView,
      .MaxMessageLength = MaxMessageLength,
      .Information = ConnectionInformation,
      .InformationLength = ConnectionInformationLength,
  };
  LPCP_PORT_OBJECT *port, *client;
  HANDLE handle;
  NTSTATUS status = svc_probe_handle(PortHandle);
  if (NT_SUCCESS(status))
    status = capture_connect(&a, &port);
  if (!NT_SUCCESS(status))
    return status;
  if (a.length > LPC_MAX_CONNECTION_INFO)
    a.length = LPC_MAX_CONNECTION_INFO;
  if (a.Information)
    status = mm_user_read(a.information, a.Information, a.length);
  if (NT_SUCCESS(status)) {
    status = lpc_connect(port, a.information, &a.length, &client);
    NTSTATUS written = STATUS_SUCCESS;
    if (status == STATUS_SUCCESS || status == STATUS_PORT_CONNECTION_REFUSED)
      written = return_information(&a);
    if (status == STATUS_SUCCESS && !NT_SUCCESS(written))
      ObDereferenceObject(client);
    else if (status == STATUS_SUCCESS)
      written = insert_port(client, PortHandle, &handle);
    if (!NT_SUCCESS(written))
      status = written;
  }
  if (status == STATUS_SUCCESS && MaxMessageLength)
    status = mm_user_write_u32(MaxMessageLength, lpc_max_message_length(port));
  if (status == STATUS_SUCCESS)
    status = write_no_view(ServerView);
  ObDereferenceObject(port);
  return status;
}

NTSTATUS NtListenPort(HANDLE PortHandle, ULONG64 ConnectionRequest)
{
  struct lpc_queued *message;
  LPCP_PORT_OBJECT *port;
  NTSTATUS status = ProbeForWrite(ConnectionRequest, sizeof(PORT_MESSAGE), 4);
  if (NT_SUCCESS(status))
    status = reference_port(PortHandle, &port);
  if (!NT_SUCCESS(status))
    return status;
  while ((status = lpc_receive(port, NULL, &message)) == STATUS_SUCCESS &&
         lpc_received(message)->Type != LPC_CONNECTION_REQUEST)
    lpc_discard_message(message);
  if (message) {
    status = write_message(ConnectionRequest, lpc_received(message));
    if (NT_SUCCESS(status))
      lpc_free_message(message);
    else
      lpc_put_back(port, message);
  }
  ObDereferenceObject(port);
  return status;
}

NTSTATUS NtAcceptConnectPort(ULONG64 PortHandle, ULONG64 PortContext, ULONG64 ConnectionRequest,
                             BOOLEAN AcceptConnection, ULONG64 ServerView, ULONG64 ClientView)
{
  LPC_MESSAGE answer;
  LPCP_PORT_OBJECT *port;
  HANDLE handle;
  NTSTATUS status = svc_probe_handle(PortHandle);
  if (NT_SUCCESS(status))
    status = ProbeForRead(ConnectionRequest, sizeof answer.h, 4);
  if (NT_SUCCESS(status))
    status = mm_user_read(&answer.h, ConnectionRequest, sizeof answer.h);
  if (NT_SUCCESS(status) && answer.h.DataLength > LPC_MAX_CONNECTION_INFO)
    answer.h.DataLength = LPC_MAX_CONNECTION_INFO;
  if (NT_SUCCESS(status))
    status = mm_user_read(answer.data, ConnectionRequest + sizeof answer.h, answer.h.DataLength);
  if (NT_SUCCESS(status))
    status = check_views(ServerView, ClientView);
  if (NT_SUCCESS(status))
    status = look_up_client(&answer.h);
  if (!NT_SUCCESS(status))
    return status;
  status = lpc_accept(&answer, AcceptConnection ? &port : NULL);
  if (!NT_SUCCESS(status) || !AcceptConnection)
    return status;
  ObReferenceObject(port);
  status = insert_port(port, PortHandle, &handle);
  if (NT_SUCCESS(status)) {
    lpc_set_context(port, PortContext ? PortContext : handle);
    status = write_no_view(ClientView);
  }
  ObDereferenceObject(port);
  return status;
}

NTSTATUS NtCompleteConnectPort(HANDLE PortHandle)
{
  LPCP_PORT_OBJECT *port;
  NTSTATUS status = reference_port(PortHandle, &port);
  if (!NT_SUCCESS(status))
    return status;
  status = lpc_complete(port);
  ObDereferenceObject(port);
  return status;
}

SVC_THUNK_5(NtCreatePort, ULONG64, ULONG64, ULONG, ULONG, ULONG)
SVC_THUNK_8(NtConnectPort, ULONG64, ULONG64, ULONG64, ULONG64, ULONG64, ULONG64, ULONG64, ULONG64)
SVC_THUNK_2(NtListenPort, HANDLE, ULONG64)
SVC_THUNK_6(NtAcceptConnectPort, ULONG64, ULONG64, ULONG64, BOOLEAN, ULONG64, ULONG64)
SVC_THUNK_1(NtCompleteConnectPort, HANDLE)
SVC_THUNK_2(NtRequestPort, HANDLE, ULONG64)
SVC_THUNK_3(NtRequestWaitReplyPort, HANDLE, ULONG64, ULONG64)
SVC_THUNK_2(NtReplyPort, HANDLE, ULONG64)
SVC_THUNK_4(NtReplyWaitReceivePort, HANDLE, ULONG64, ULONG64, ULONG64)
SVC_THUNK_5(NtReplyWaitReceivePortEx, HANDLE, ULONG64, ULONG64, ULONG64, ULONG64)

const struct svc_entry svc_port_table[] = {
    SVC(NtCreatePort, 5),
    SVC(NtConnectPort, 8),
    SVC(NtListenPort, 2),
    SVC(NtAcceptConnectPort, 6),
    SVC(NtCompleteConnectPort, 1),
    SVC(NtRequestPort, 2),
    SVC(NtRequestWaitReplyPort, 3),
    SVC(NtReplyPort, 2),
    SVC(NtReplyWaitReceivePort, 4),
    SVC(NtReplyWaitReceivePortEx, 5),
    {NULL, NULL, 0},
};
