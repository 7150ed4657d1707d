/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Port objects: creation, and how they go. */
#include "ntos/lpc/internal.h"

#define TAG POOL_TAG('P', 'o', 'r', 't')

NTSTATUS lpcp_new_port(ULONG type, LPCP_PORT_OBJECT **Port)
{
  LPCP_PORT_OBJECT *port;
  NTSTATUS status = ObCreateObject(ob_types()->Port, sizeof *port, (void **)&port);
  if (!NT_SUCCESS(status))
    return status;
  port->Flags = type;
  KeInitializeSemaphore(&port->MsgQueue.Semaphore, 0, 0x7FFFFFFF);
  InitializeListHead(&port->MsgQueue.ReceiveHead);
  *Port = port;
  return STATUS_SUCCESS;
}

NTSTATUS LpcpCreatePort(ULONG MaxConnectionInfoLength, ULONG MaxMessageLength, LPCP_PORT_OBJECT **Port)
{
  if (MaxConnectionInfoLength > LPC_MAX_CONNECTION_INFO)
    return STATUS_INVALID_PARAMETER_3;
  if (MaxMessageLength > LPC_MAX_MESSAGE_LENGTH)
    return STATUS_INVALID_PARAMETER_4;
  NTSTATUS status = lpcp_new_port(LPCP_CONNECTION_PORT, Port);
  if (!NT_SUCCESS(status))
    return status;
  (*Port)->ConnectionPort = *Port;
  (*Port)->MaxMessageLength = MaxMessageLength;
  (*Port)->MaxConnectionInfoLength = MaxConnectionInfoLength;
  (*Port)->server = PsGetCurrentThread()->Cid.UniqueProcess;
  return STATUS_SUCCESS;
}

ULONG lpc_max_message_length(const LPCP_PORT_OBJECT *Port) { return Port->MaxMessageLength; }

/* The last handle of a connection port is gone, its server perhaps, too: who is referred to it otherwise (a process
 * whose exception port it is) must not wait any more. Accepted connections live on. */
static void LpcpClosePort(EPROCESS *Process, void *Object, ACCESS_MASK GrantedAccess, ULONG ProcessHandleCount,
                          ULONG SystemHandleCount)
{
  LPCP_PORT_OBJECT *port = Object;
  (void)Process, (void)GrantedAccess, (void)ProcessHandleCount;
  if (SystemHandleCount > 1 || lpcp_port_type(port) != LPCP_CONNECTION_PORT)
    return;
  ExAcquireFastMutex(&lpc_state()->LpcpLock);
  port->Flags |= LPCP_NAME_DELETED;
  lpcp_lose_replies(port, port);
  ExReleaseFastMutex(&lpc_state()->LpcpLock);
}

/* Tells the server that a client has gone: LPC_PORT_CLOSED with the time when the client was made. */
static void say_closed(LPCP_PORT_OBJECT *port)
{
  LPC_MESSAGE closed = {.h = {.DataLength = sizeof(ULONG64), .TotalLength = sizeof(PORT_MESSAGE) + sizeof(ULONG64)}};
  ULONG64 time = PsGetCurrentProcess()->CreateTime;
  closed.h.Type = LPC_PORT_CLOSED;
  for (size_t i = 0; i < sizeof time; i++)
    closed.data[i] = (UCHAR)(time >> 8 * i);
  (void)LpcRequestPort(port, &closed);
}

static void LpcpDeletePort(void *Object)
{
  LPCP_PORT_OBJECT *port = Object;
  LIST_ENTRY *head = &port->MsgQueue.ReceiveHead;
  if (lpcp_port_type(port) == LPCP_CLIENT_PORT)
    say_closed(port);
  ExAcquireFastMutex(&lpc_state()->LpcpLock);
  if (port->ConnectedPort)
    port->ConnectedPort->ConnectedPort = NULL;
  lpcp_lose_replies(port, lpcp_port_type(port) == LPCP_COMMUNICATION_PORT ? port->ConnectionPort : port);
  while (!IsListEmpty(head))
    lpc_free_message(CONTAINING_RECORD(RemoveHeadList(head), struct lpc_queued, entry));
  ExReleaseFastMutex(&lpc_state()->LpcpLock);
  if (port->ConnectionPort && port->ConnectionPort != port)
    ObDereferenceObject(port->ConnectionPort);
}

bool LpcInitSystem(void)
{
  struct lpc_state *lpc = ExAllocatePoolWithTag(sizeof *lpc, TAG);
  if (!lpc)
    return false;
  KeGetPcr()->lpc = lpc;
  ExInitializeFastMutex(&lpc->LpcpLock);
  InitializeListHead(&lpc->waits);
  lpc->LpcpNextMessageId = 1;
  const OBJECT_TYPE type = {
      .Name = era_current()->port_type,
      .PoolTag = TAG,
      .GenericMapping = {READ_CONTROL | PORT_CONNECT, DELETE_ACCESS | PORT_CONNECT, 0, PORT_ALL_ACCESS},
      .ValidAccessMask = PORT_ALL_ACCESS,
      .dispatcher_offset = -1,
      .CloseProcedure = LpcpClosePort,
      .DeleteProcedure = LpcpDeletePort,
  };
  return (ob_types()->Port = ObCreateObjectType(&type)) != NULL;
}

NTSTATUS lpc_missing(enum lpc_missing part)
{
  static const char *const names[] = {
      [LPC_MISSING_VIEWS] = "views of sections at a port are not implemented",
      [LPC_MISSING_CALLBACKS] = "NtRequestWaitReplyPort: callbacks are not implemented",
      [LPC_MISSING_DATA_INFO] = "NtRequestWaitReplyPort: DataInfoOffset is not implemented",
  };
  struct lpc_state *lpc = lpc_state();
  if (!(lpc->missing_named >> part & 1)) {
    lpc->missing_named |= 1u << part;
    TRACE(DBGKSIM_TRACE_LOG, names[part], 0, 0, 0, 0);
  }
  return STATUS_NOT_IMPLEMENTED;
}
