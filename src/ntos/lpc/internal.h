/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file internal.h  Port objects, queued messages, and threads that wait for a reply. */
#ifndef NTOS_LPC_INTERNAL_H
#define NTOS_LPC_INTERNAL_H

#include "ntos/ke/ke.h"
#include "ntos/ke/trace.h"
#include "ntos/lpc/lpc.h"

#include <stddef.h>

/* LPCP_PORT_OBJECT.Flags: the kind of port, and that the last handle of a connection port is gone. */
#define LPCP_CONNECTION_PORT 1u
#define LPCP_COMMUNICATION_PORT 3u /**< the server's end */
#define LPCP_CLIENT_PORT 4u
#define LPCP_PORT_TYPE_MASK 0xFu
#define LPCP_NAME_DELETED 0x20u

/** Body of a Port object. LpcpLock guards what changes after it was made. */
struct _LPCP_PORT_OBJECT {
  ULONG Flags;
  ULONG MaxMessageLength, MaxConnectionInfoLength;
  LPCP_PORT_OBJECT *ConnectionPort; /**< where clients' messages queue; itself, else referenced */
  LPCP_PORT_OBJECT *ConnectedPort;  /**< the other end, which clears it when it goes; NULL: none */
  struct {
    KSEMAPHORE Semaphore;   /**< one for each message, withdrawn ones too */
    LIST_ENTRY ReceiveHead; /**< lpc_queued.entry */
  } MsgQueue;
  ULONG64 PortContext; /**< of a server's end */
  HANDLE server;       /**< of a connection port: id of the process that may accept */
  ULONG connect_id;    /**< of a server's end: message id of the client that waits for the completion; 0: none */
};

/** A message in a queue, or received. */
struct lpc_queued {
  LIST_ENTRY entry;             /**< MsgQueue.ReceiveHead */
  LPCP_PORT_OBJECT *reply_port; /**< as in lpc_wait; NULL if nobody waits. It takes its messages along when it goes */
  ULONG64 context;
  LPC_MESSAGE message; /**< last: the block ends with the message's data */
};

enum lpc_wait_state { LPC_WAITING, LPC_ANSWERED, LPC_LOST };

/** A thread that waits for a reply; on its stack. */
struct lpc_wait {
  LIST_ENTRY entry; /**< lpc_state.waits, while LPC_WAITING */
  KEVENT event;
  enum lpc_wait_state state;
  CLIENT_ID client;
  ULONG message_id;
  LPCP_PORT_OBJECT *queue;       /**< where the message lies until it is received */
  LPCP_PORT_OBJECT *sender_port; /**< that it was sent through; for a connection request the connection port */
  LPCP_PORT_OBJECT *reply_port;  /**< whose end loses the reply */
  LPCP_PORT_OBJECT *client_port; /**< of a connection request */
  bool taken;                    /**< of a connection request: it was accepted or refused */
  LPC_MESSAGE reply;
};

struct lpc_state {
  FAST_MUTEX LpcpLock; /**< guards the rest, and ports */
  LIST_ENTRY waits;    /**< lpc_wait.entry, in order of sending */
  ULONG LpcpNextMessageId;
  ULONG queued;
  ULONG missing_named; /**< bit per enum lpc_missing */
};
static inline struct lpc_state *lpc_state(void) { return KeGetPcr()->lpc; }

static inline ULONG lpcp_port_type(const LPCP_PORT_OBJECT *Port) { return Port->Flags & LPCP_PORT_TYPE_MASK; }

/** Makes a port of a kind with an empty queue. STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS lpcp_new_port(ULONG type, LPCP_PORT_OBJECT **Port);
/** A block for a message, of which header and data are copied; the sender is the running thread. NULL: no memory. */
struct lpc_queued *lpcp_new_message(const LPC_MESSAGE *Message);

/* LpcpLock is held */

/** Gives a message its id and appends it to a queue. */
void lpcp_post(LPCP_PORT_OBJECT *Queue, struct lpc_queued *message);
/** Begins the running thread's wait for the reply to a message that was posted. */
void lpcp_begin_wait(struct lpc_wait *wait, const struct lpc_queued *message, LPCP_PORT_OBJECT *Queue,
                     LPCP_PORT_OBJECT *SenderPort);
/** A thread that waits for the reply to a message; NULL: none. */
struct lpc_wait *lpcp_find_wait(ULONG MessageId, const CLIENT_ID *ClientId);
/** Ends a wait. */
void lpcp_end_wait(struct lpc_wait *wait, enum lpc_wait_state state);
/** Ends all waits for replies that would come through a port, and takes their messages out of `Queue`. */
void lpcp_lose_replies(LPCP_PORT_OBJECT *Port, LPCP_PORT_OBJECT *Queue);

/** Waits for the reply; LpcpLock is not held.
 *  @return STATUS_SUCCESS: wait->state tells what came; else what ended the wait, and the message is gone */
NTSTATUS lpcp_wait(struct lpc_wait *wait);

#endif
