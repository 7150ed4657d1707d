/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages: sending, waiting for the reply, receiving, replying. */
#include "ntos/lpc/internal.h"

#include <string.h>

#define TAG POOL_TAG('L', 'p', 'c', 'M')

struct lpc_queued *lpcp_new_message(const LPC_MESSAGE *Message)
{
  size_t size = sizeof Message->h + Message->h.DataLength;
  struct lpc_queued *message = ExAllocatePoolWithTag(offsetof(struct lpc_queued, message) + size, TAG);
  if (!message)
    return NULL;
  memcpy(&message->message, Message, size);
  message->message.h.DataInfoOffset = 0;
  message->message.h.ClientId = PsGetCurrentThread()->Cid;
  message->message.h.ClientViewSize = 0;
  return message;
}

void lpcp_post(LPCP_PORT_OBJECT *Queue, struct lpc_queued *message)
{
  struct lpc_state *lpc = lpc_state();
  message->message.h.MessageId = lpc->LpcpNextMessageId++;
  if (!lpc->LpcpNextMessageId)
    lpc->LpcpNextMessageId = 1;
  lpc->queued++;
  InsertTailList(&Queue->MsgQueue.ReceiveHead, &message->entry);
  KeReleaseSemaphore(&Queue->MsgQueue.Semaphore, 1, NULL);
}

/* A message leaves its queue without a receiver. The semaphore keeps its count: receivers look whether there is one. */
static void withdraw(struct lpc_queued *message)
{
  RemoveEntryList(&message->entry);
  lpc_free_message(message);
}

void lpc_free_message(struct lpc_queued *Message)
{
  lpc_state()->queued--;
  ExFreePool(Message);
}

/* ---- waits ---- */

void lpcp_begin_wait(struct lpc_wait *wait, const struct lpc_queued *message, LPCP_PORT_OBJECT *Queue,
                     LPCP_PORT_OBJECT *SenderPort)
{
  memset(wait, 0, offsetof(struct lpc_wait, reply));
  KeInitializeEvent(&wait->event, SynchronizationEvent, FALSE);
  wait->state = LPC_WAITING;
  wait->client = message->message.h.ClientId;
  wait->message_id = message->message.h.MessageId;
  wait->queue = Queue;
  wait->sender_port = SenderPort;
  wait->reply_port = message->reply_port;
  InsertTailList(&lpc_state()->waits, &wait->entry);
}

struct lpc_wait *lpcp_find_wait(ULONG MessageId, const CLIENT_ID *ClientId)
{
  LIST_ENTRY *head = &lpc_state()->waits;
  for (LIST_ENTRY *e = head->Flink; e != head; e = e->Flink) {
    struct lpc_wait *wait = CONTAINING_RECORD(e, struct lpc_wait, entry);
    if (wait->message_id == MessageId && wait->client.UniqueThread == ClientId->UniqueThread &&
        wait->client.UniqueProcess == ClientId->UniqueProcess)
      return wait;
  }
  return NULL;
}

void lpcp_end_wait(struct lpc_wait *wait, enum lpc_wait_state state)
{
  RemoveEntryList(&wait->entry);
  wait->state = state;
  KeSetEvent(&wait->event);
}

void lpcp_lose_replies(LPCP_PORT_OBJECT *Port, LPCP_PORT_OBJECT *Queue)
{
  LIST_ENTRY *head = &Queue->MsgQueue.ReceiveHead, *next;
  for (LIST_ENTRY *e = head->Flink; e != head; e = next) {
    struct lpc_queued *message = CONTAINING_RECORD(e, struct lpc_queued, entry);
    next = e->Flink;
    if (message->reply_port == Port)
      withdraw(message);
  }
  head = &lpc_state()->waits;
  for (LIST_ENTRY *e = head->Flink; e != head; e = next) {
    struct lpc_wait *wait = CONTAINING_RECORD(e, struct lpc_wait, entry);
    next = e->Flink;
    if (wait->reply_port == Port)
      lpcp_end_wait(wait, LPC_LOST);
  }
}

/* The message of a wait that ends early, if nobody has received it. */
static void withdraw_request(const struct lpc_wait *wait)
{
  LIST_ENTRY *head = &wait->queue->MsgQueue.ReceiveHead;
  for (LIST_ENTRY *e = head->Flink; e != head; e = e->Flink) {
    struct lpc_queued *message = CONTAINING_RECORD(e, struct lpc_queued, entry);
    if (message->message.h.MessageId == wait->message_id) {
      withdraw(message);
      return;
    }
  }
}

NTSTATUS lpcp_wait(struct lpc_wait *wait)
{
  NTSTATUS status = KeWaitForSingleObject(&wait->event, WrLpcReply, UserMode, FALSE, NULL);
  ExAcquireFastMutex(&lpc_state()->LpcpLock);
  if (wait->state != LPC_WAITING) {
    status = STATUS_SUCCESS;
  } else {
    RemoveEntryList(&wait->entry);
    withdraw_request(wait);
  }
  ExReleaseFastMutex(&lpc_state()->LpcpLock);
  return status;
}

/* ---- sending ---- */

/* Where a message sent through a port queues. reply_port and context of the message are set. */
static NTSTATUS route(LPCP_PORT_OBJECT *port, struct lpc_queued *message, LPCP_PORT_OBJECT **queue)
{
  switch (lpcp_port_type(port)) {
  case LPCP_CONNECTION_PORT:
    *queue = message->reply_port = port;
    return port->Flags & LPCP_NAME_DELETED ? STATUS_PORT_DISCONNECTED : STATUS_SUCCESS;
  case LPCP_CLIENT_PORT:
    *queue = port->ConnectionPort;
    message->reply_port = port->ConnectedPort;
    message->context = port->ConnectedPort ? port->ConnectedPort->PortContext : 0;
    break;
  default:
    *queue = message->reply_port = port->ConnectedPort;
  }
  return port->ConnectedPort ? STATUS_SUCCESS : STATUS_PORT_DISCONNECTED;
}

static bool length_fits(const LPCP_PORT_OBJECT *port, const PORT_MESSAGE *h)
{
  return h->TotalLength <= port->MaxMessageLength && h->DataLength + sizeof *h <= h->TotalLength;
}

/* `wait` NULL: nobody waits for a reply. */
static NTSTATUS send(LPCP_PORT_OBJECT *port, const LPC_MESSAGE *Message, struct lpc_wait *wait)
{
  struct lpc_state *lpc = lpc_state();
  LPCP_PORT_OBJECT *queue;
  if (!length_fits(port, &Message->h))
    return STATUS_PORT_MESSAGE_TOO_LONG;
  struct lpc_queued *message = lpcp_new_message(Message);
  if (!message)
    return STATUS_NO_MEMORY;
  ExAcquireFastMutex(&lpc->LpcpLock);
  NTSTATUS status = route(port, message, &queue);
  if (NT_SUCCESS(status) && lpc->queued >= LPC_MAX_QUEUED && Message->h.Type != LPC_PORT_CLOSED)
    status = STATUS_NO_MEMORY;
  if (!NT_SUCCESS(status)) {
    ExReleaseFastMutex(&lpc->LpcpLock);
    ExFreePool(message);
    return status;
  }
  if (!wait)
    message->reply_port = NULL;
  lpcp_post(queue, message);
  if (wait)
    lpcp_begin_wait(wait, message, queue, port);
  ExReleaseFastMutex(&lpc->LpcpLock);
  return STATUS_SUCCESS;
}

NTSTATUS LpcRequestPort(LPCP_PORT_OBJECT *Port, const LPC_MESSAGE *Message) { return send(Port, Message, NULL); }

NTSTATUS LpcRequestWaitReplyPort(LPCP_PORT_OBJECT *Port, const LPC_MESSAGE *Request, LPC_MESSAGE *Reply)
{
  struct lpc_wait wait;
  NTSTATUS status = send(Port, Request, &wait);
  if (!NT_SUCCESS(status))
    return status;
  status = lpcp_wait(&wait);
  if (status != STATUS_SUCCESS)
    return status;
  if (wait.state == LPC_LOST)
    return STATUS_LPC_REPLY_LOST;
  memcpy(Reply, &wait.reply, sizeof wait.reply.h + wait.reply.h.DataLength);
  return STATUS_SUCCESS;
}

/* ---- replies ---- */

/* A reply comes through the other end of the port that the request went through, or the connection port. */
static bool may_reply(const LPCP_PORT_OBJECT *port, const LPCP_PORT_OBJECT *sender_port)
{
  return port == sender_port || port == sender_port->ConnectionPort || port == sender_port->ConnectedPort;
}

NTSTATUS lpc_reply(LPCP_PORT_OBJECT *Port, const LPC_MESSAGE *Reply)
{
  if (!length_fits(Port, &Reply->h))
    return STATUS_PORT_MESSAGE_TOO_LONG;
  ExAcquireFastMutex(&lpc_state()->LpcpLock);
  struct lpc_wait *wait = lpcp_find_wait(Reply->h.MessageId, &Reply->h.ClientId);
  bool match = wait && !wait->client_port && may_reply(Port, wait->sender_port);
  if (match) {
    memcpy(&wait->reply, Reply, sizeof Reply->h + Reply->h.DataLength);
    wait->reply.h.Type = LPC_REPLY;
    wait->reply.h.DataInfoOffset = 0;
    lpcp_end_wait(wait, LPC_ANSWERED);
  }
  ExReleaseFastMutex(&lpc_state()->LpcpLock);
  return match ? STATUS_SUCCESS : STATUS_REPLY_MESSAGE_MISMATCH;
}

/* ---- receiving ---- */

static LPCP_PORT_OBJECT *receive_port(LPCP_PORT_OBJECT *port)
{
  return lpcp_port_type(port) == LPCP_CLIENT_PORT ? port : port->ConnectionPort;
}

NTSTATUS lpc_receive(LPCP_PORT_OBJECT *Port, const LONG64 *Timeout, struct lpc_queued **Message)
{
  LPCP_PORT_OBJECT *port = receive_port(Port);
  *Message = NULL;
  do {
    NTSTATUS status = KeWaitForSingleObject(&port->MsgQueue.Semaphore, WrLpcReceive, UserMode, FALSE, Timeout);
    if (status != STATUS_SUCCESS)
      return status;
    ExAcquireFastMutex(&lpc_state()->LpcpLock);
    /* Empty when a message that the semaphore counts was withdrawn. */
    if (!IsListEmpty(&port->MsgQueue.ReceiveHead))
      *Message = CONTAINING_RECORD(RemoveHeadList(&port->MsgQueue.ReceiveHead), struct lpc_queued, entry);
    ExReleaseFastMutex(&lpc_state()->LpcpLock);
  } while (!*Message);
  return STATUS_SUCCESS;
}

const PORT_MESSAGE *lpc_received(const struct lpc_queued *Message) { return &Message->message.h; }

ULONG64 lpc_received_context(const struct lpc_queued *Message) { return Message->context; }

void lpc_discard_message(struct lpc_queued *Message)
{
  ExAcquireFastMutex(&lpc_state()->LpcpLock);
  struct lpc_wait *wait = lpcp_find_wait(Message->message.h.MessageId, &Message->message.h.ClientId);
  if (wait)
    lpcp_end_wait(wait, LPC_LOST);
  ExReleaseFastMutex(&lpc_state()->LpcpLock);
  lpc_free_message(Message);
}

void lpc_put_back(LPCP_PORT_OBJECT *Port, struct lpc_queued *Message)
{
  LPCP_PORT_OBJECT *port = receive_port(Port);
  ExAcquireFastMutex(&lpc_state()->LpcpLock);
  InsertHeadList(&port->MsgQueue.ReceiveHead, &Message->entry);
  KeReleaseSemaphore(&port->MsgQueue.Semaphore, 1, NULL);
  ExReleaseFastMutex(&lpc_state()->LpcpLock);
}
