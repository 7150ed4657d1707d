/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file lpc.h  Local procedure calls: ports, their messages and connections, on kernel copies of what a guest gives.
 *
 *  Client and server meet as on Windows NT: a server makes a connection port with a name, a client connects, the server
 *  accepts, and each side has a communication port. Requests of clients queue at the connection port, requests of the
 *  server at the client's port. A connection port can be sent to without a connection, too: so the kernel sends
 *  exceptions. */
#ifndef NTOS_LPC_LPC_H
#define NTOS_LPC_LPC_H

#include "ntos/ob/ob.h"

/** Longest message and longest connection information that a port may ask for: 328 and 260 on 32-bit Windows, made of
 *  a maximum of 256 (here 512) and of structures that grow with pointers. */
#define LPC_MAX_MESSAGE_LENGTH 0x288u
#define LPC_MAX_CONNECTION_INFO 0x208u
/** Messages that may be queued in a machine: a server that never receives shall not eat up the pool. */
#define LPC_MAX_QUEUED 0x10000u

struct _LPCP_PORT_OBJECT;
typedef struct _LPCP_PORT_OBJECT LPCP_PORT_OBJECT;

/** A whole message. */
typedef struct _LPC_MESSAGE {
  PORT_MESSAGE h;
  UCHAR data[LPC_MAX_MESSAGE_LENGTH - sizeof(PORT_MESSAGE)]; /**< h.DataLength bytes count */
} LPC_MESSAGE;

struct lpc_queued;

/** Sets up lpc: the type of ports. False: no memory. */
bool LpcInitSystem(void);

/* ---- port.c ---- */

/** Makes a connection port with one reference; the caller is its server.
 *  @return STATUS_INVALID_PARAMETER_3, _4: more than LPC_MAX_CONNECTION_INFO, LPC_MAX_MESSAGE_LENGTH;
 *  STATUS_INSUFFICIENT_RESOURCES */
NTSTATUS LpcpCreatePort(ULONG MaxConnectionInfoLength, ULONG MaxMessageLength, LPCP_PORT_OBJECT **Port);
/** Longest message of a port. */
ULONG lpc_max_message_length(const LPCP_PORT_OBJECT *Port);

/* ---- message.c ---- */

/** Queues a datagram, or (from the kernel) a message of another type that nobody answers.
 *  @return STATUS_PORT_MESSAGE_TOO_LONG, STATUS_PORT_DISCONNECTED; STATUS_NO_MEMORY: LPC_MAX_QUEUED */
NTSTATUS LpcRequestPort(LPCP_PORT_OBJECT *Port, const LPC_MESSAGE *Message);
/** Queues a request and waits for the reply. The caller keeps a reference of the port.
 *  The wait is of user mode, as nobody can say when a server in user mode answers, if ever: the thread can be ended.
 *  @return statuses of LpcRequestPort; STATUS_LPC_REPLY_LOST: the server's port was closed; what else ended the wait:
 *  STATUS_USER_APC when the thread is told to exit */
NTSTATUS LpcRequestWaitReplyPort(LPCP_PORT_OBJECT *Port, const LPC_MESSAGE *Request, LPC_MESSAGE *Reply);
/** Answers the request with the message's MessageId and ClientId.
 *  @return STATUS_PORT_MESSAGE_TOO_LONG; STATUS_REPLY_MESSAGE_MISMATCH: that thread does not wait for it, or not for a
 *  reply through this port */
NTSTATUS lpc_reply(LPCP_PORT_OBJECT *Port, const LPC_MESSAGE *Reply);
/** Takes the next message of a port, the caller's from now on.
 *  @return the status of a wait; STATUS_TIMEOUT */
NTSTATUS lpc_receive(LPCP_PORT_OBJECT *Port, const LONG64 *Timeout, struct lpc_queued **Message);
/** What a received message says. */
const PORT_MESSAGE *lpc_received(const struct lpc_queued *Message);
/** Context of the port that a received message came through; 0 if it came without a connection. */
ULONG64 lpc_received_context(const struct lpc_queued *Message);
/** Frees a received message. */
void lpc_free_message(struct lpc_queued *Message);
/** Frees a received message that will not be answered: who waits for it gets STATUS_LPC_REPLY_LOST. */
void lpc_discard_message(struct lpc_queued *Message);
/** Puts a received message back: the next to be received. */
void lpc_put_back(LPCP_PORT_OBJECT *Port, struct lpc_queued *Message);

/* ---- connect.c ---- */

/** Asks for a connection and waits for the answer.
 *  @param ConnectionInformation  *Length bytes (cut to what the port allows); receives those of the answer, and their
 *                                number, also of a refusal
 *  @param ClientPort  receives the client's port, referenced
 *  @return STATUS_INVALID_PORT_HANDLE: not a connection port; STATUS_OBJECT_NAME_NOT_FOUND: it was closed;
 *  STATUS_PORT_CONNECTION_REFUSED; STATUS_NO_MEMORY, STATUS_INSUFFICIENT_RESOURCES; what ended the wait */
NTSTATUS lpc_connect(LPCP_PORT_OBJECT *ConnectionPort, UCHAR ConnectionInformation[LPC_MAX_CONNECTION_INFO],
                     ULONG *Length, LPCP_PORT_OBJECT **ClientPort);
/** Answers a connection request (its MessageId and ClientId); the data are the connection information of the answer.
 *  @param ServerPort  receives the server's port, referenced; NULL: the connection is refused
 *  @return STATUS_REPLY_MESSAGE_MISMATCH: no such request, answered already, or another process's to answer;
 *  STATUS_INSUFFICIENT_RESOURCES: the client is refused */
NTSTATUS lpc_accept(const LPC_MESSAGE *Answer, LPCP_PORT_OBJECT **ServerPort);
/** Context of a server's port, which the messages of its client come with. */
void lpc_set_context(LPCP_PORT_OBJECT *ServerPort, ULONG64 PortContext);
/** Lets the client of an accepted connection go on.
 *  @return STATUS_INVALID_PORT_HANDLE: not a server's port; STATUS_INVALID_PARAMETER: completed already */
NTSTATUS lpc_complete(LPCP_PORT_OBJECT *ServerPort);

/** Parts of ports that are missing. */
enum lpc_missing { LPC_MISSING_VIEWS, LPC_MISSING_CALLBACKS, LPC_MISSING_DATA_INFO };
/** Names a missing part in the log, once in a machine. Returns STATUS_NOT_IMPLEMENTED. */
NTSTATUS lpc_missing(enum lpc_missing part);

#endif
