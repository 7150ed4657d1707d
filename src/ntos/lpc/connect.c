/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections: the client's request, the server's answer and its completion. */
#include "ntos/lpc/internal.h"

#include <string.h>

/* Queues the request and begins the wait. */
static NTSTATUS request_connection(LPCP_PORT_OBJECT *port, LPCP_PORT_OBJECT *client, const UCHAR *information,
                                   ULONG length, struct lpc_wait *wait)
{
  struct lpc_state *lpc = lpc_state();
  LPC_MESSAGE request;
  memset(&request.h, 0, sizeof request.h);
  request.h.Type = LPC_CONNECTION_REQUEST;
  request.h.DataLength = (USHORT)length;
  request.h.TotalLength = (USHORT)(sizeof request.h + length);
  memcpy(request.data, information, length);
  struct lpc_queued *message = lpcp_new_message(&request);
  if (!message)
    return STATUS_NO_MEMORY;
  ExAcquireFastMutex(&lpc->LpcpLock);
  NTSTATUS status = STATUS_SUCCESS;
  if (port->Flags & LPCP_NAME_DELETED)
    status = STATUS_OBJECT_NAME_NOT_FOUND;
  else if (lpc->queued >= LPC_MAX_QUEUED)
    status = STATUS_NO_MEMORY;
  if (NT_SUCCESS(status)) {
    message->reply_port = port;
    lpcp_post(port, message);
    lpcp_begin_wait(wait, message, port, port);
    wait->client_port = client;
  }
  ExReleaseFastMutex(&lpc->LpcpLock);
  if (!NT_SUCCESS(status))
    ExFreePool(message);
  return status;
}

NTSTATUS lpc_connect(LPCP_PORT_OBJECT *ConnectionPort, UCHAR ConnectionInformation[LPC_MAX_CONNECTION_INFO],
                     ULONG *Length, LPCP_PORT_OBJECT **ClientPort)
{
  struct lpc_wait wait;
  LPCP_PORT_OBJECT *client;
  if (lpcp_port_type(ConnectionPort) != LPCP_CONNECTION_PORT)
    return STATUS_INVALID_PORT_HANDLE;
  if (*Length > ConnectionPort->MaxConnectionInfoLength)
    *Length = ConnectionPort->MaxConnectionInfoLength;
  NTSTATUS status = lpcp_new_port(LPCP_CLIENT_PORT, &client);
  if (!NT_SUCCESS(status))
    return status;
  ObReferenceObject(ConnectionPort);
  client->ConnectionPort = ConnectionPort;
  client->MaxMessageLength = ConnectionPort->MaxMessageLength;
  status = request_connection(ConnectionPort, client, ConnectionInformation, *Length, &wait);
  if (NT_SUCCESS(status)) {
    status = lpcp_wait(&wait);
    if (status == STATUS_SUCCESS && wait.state == LPC_ANSWERED) {
      if (*Length > wait.reply.h.DataLength)
        *Length = wait.reply.h.DataLength;
      memcpy(ConnectionInformation, wait.reply.data, *Length);
    }
    if (status == STATUS_SUCCESS && !client->ConnectedPort)
      status = STATUS_PORT_CONNECTION_REFUSED;
  }
  if (status == STATUS_SUCCESS)
    *ClientPort = client;
  else
    ObDereferenceObject(client);
  return status;
}

/* Makes the server's end and ties it to the client's. LpcpLock is held. */
static NTSTATUS make_server_port(struct lpc_wait *wait, LPCP_PORT_OBJECT **ServerPort)
{
  LPCP_PORT_OBJECT *server, *client = wait->client_port;
  NTSTATUS status = lpcp_new_port(LPCP_COMMUNICATION_PORT, &server);
  if (!NT_SUCCESS(status))
    return status;
  ObReferenceObject(client->ConnectionPort);
  server->ConnectionPort = client->ConnectionPort;
  server->MaxMessageLength = client->MaxMessageLength;
  server->ConnectedPort = client;
  server->connect_id = wait->message_id;
  client->ConnectedPort = server;
  /* From now on it is this port whose end the client must hear of. */
  wait->reply_port = server;
  *ServerPort = server;
  return STATUS_SUCCESS;
}

NTSTATUS lpc_accept(const LPC_MESSAGE *Answer, LPCP_PORT_OBJECT **ServerPort)
{
  struct lpc_state *lpc = lpc_state();
  NTSTATUS status = STATUS_SUCCESS;
  ExAcquireFastMutex(&lpc->LpcpLock);
  struct lpc_wait *wait = lpcp_find_wait(Answer->h.MessageId, &Answer->h.ClientId);
  if (!wait || !wait->client_port || wait->taken ||
      wait->sender_port->server != PsGetCurrentThread()->Cid.UniqueProcess) {
    status = STATUS_REPLY_MESSAGE_MISMATCH;
  } else {
    ULONG length = Answer->h.DataLength;
    if (length > wait->sender_port->MaxConnectionInfoLength)
      length = wait->sender_port->MaxConnectionInfoLength;
    wait->taken = true;
    wait->reply.h = Answer->h;
    wait->reply.h.DataLength = (USHORT)length;
    memcpy(wait->reply.data, Answer->data, length);
    if (ServerPort)
      status = make_server_port(wait, ServerPort);
    if (!ServerPort || !NT_SUCCESS(status))
      lpcp_end_wait(wait, LPC_ANSWERED);
  }
  ExReleaseFastMutex(&lpc->LpcpLock);
  return status;
}

void lpc_set_context(LPCP_PORT_OBJECT *ServerPort, ULONG64 PortContext) { ServerPort->PortContext = PortContext; }

NTSTATUS lpc_complete(LPCP_PORT_OBJECT *ServerPort)
{
  NTSTATUS status = STATUS_SUCCESS;
  if (lpcp_port_type(ServerPort) != LPCP_COMMUNICATION_PORT)
    return STATUS_INVALID_PORT_HANDLE;
  ExAcquireFastMutex(&lpc_state()->LpcpLock);
  if (!ServerPort->connect_id) {
    status = STATUS_INVALID_PARAMETER;
  } else {
    LIST_ENTRY *head = &lpc_state()->waits;
    struct lpc_wait *wait = NULL;
    for (LIST_ENTRY *e = head->Flink; e != head && !wait; e = e->Flink) {
      wait = CONTAINING_RECORD(e, struct lpc_wait, entry);
      if (wait->message_id != ServerPort->connect_id)
        wait = NULL;
    }
    ServerPort->connect_id = 0;
    /* No wait: the client was ended meanwhile, which the server hears of by LPC_PORT_CLOSED. */
    if (wait)
      lpcp_end_wait(wait, LPC_ANSWERED);
  }
  ExReleaseFastMutex(&lpc_state()->LpcpLock);
  return status;
}
