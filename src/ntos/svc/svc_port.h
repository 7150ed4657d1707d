/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file svc_port.h  Services of ports (lpc.h). Pointers into user memory are ULONG64; all may return the statuses of
 *  probes and of ObReferenceObjectByHandle. */
#ifndef NTOS_SVC_SVC_PORT_H
#define NTOS_SVC_SVC_PORT_H

#include "ntos/inc/pcr.h"
#include "ntos/inc/services.h"

extern const struct svc_entry svc_port_table[];

/** Makes a connection port. MaxPoolUsage is not looked at.
 *  @return STATUS_INVALID_PARAMETER_3, _4: lengths that are too large; STATUS_OBJECT_NAME_COLLISION */
NTSTATUS NtCreatePort(ULONG64 PortHandle, ULONG64 ObjectAttributes, ULONG MaxConnectionInfoLength,
                      ULONG MaxMessageLength, ULONG MaxPoolUsage);
/** Connects to a port by name and waits for the server's answer.
 *  @param ConnectionInformation  and its length: in and out; may be 0
 *  @return STATUS_PORT_CONNECTION_REFUSED, STATUS_OBJECT_NAME_NOT_FOUND, STATUS_INVALID_PORT_HANDLE;
 *  STATUS_NOT_IMPLEMENTED: ClientView is not 0 */
NTSTATUS NtConnectPort(ULONG64 PortHandle, ULONG64 PortName, ULONG64 SecurityQos, ULONG64 ClientView,
                       ULONG64 ServerView, ULONG64 MaxMessageLength, ULONG64 ConnectionInformation,
                       ULONG64 ConnectionInformationLength);
/** Waits for a connection request; other messages are dropped, and who waits for a reply gets
 *  STATUS_LPC_REPLY_LOST. */
NTSTATUS NtListenPort(HANDLE PortHandle, ULONG64 ConnectionRequest);
/** Accepts or refuses a connection. PortContext 0: the new handle.
 *  @return STATUS_INVALID_CID, STATUS_REPLY_MESSAGE_MISMATCH; STATUS_NOT_IMPLEMENTED: ServerView is not 0 */
NTSTATUS NtAcceptConnectPort(ULONG64 PortHandle, ULONG64 PortContext, ULONG64 ConnectionRequest,
                             BOOLEAN AcceptConnection, ULONG64 ServerView, ULONG64 ClientView);
/** Lets the client of an accepted connection go on. STATUS_INVALID_PORT_HANDLE, STATUS_INVALID_PARAMETER. */
NTSTATUS NtCompleteConnectPort(HANDLE PortHandle);
/** Sends a datagram.
 *  @return STATUS_INVALID_PARAMETER: lengths that contradict each other; STATUS_PORT_MESSAGE_TOO_LONG,
 *  STATUS_PORT_DISCONNECTED, STATUS_NO_MEMORY */
NTSTATUS NtRequestPort(HANDLE PortHandle, ULONG64 RequestMessage);
/** Sends a request (Type 0) and waits for the reply. Statuses of NtRequestPort and LpcRequestWaitReplyPort;
 *  STATUS_NOT_IMPLEMENTED: a callback (Type LPC_REQUEST). */
NTSTATUS NtRequestWaitReplyPort(HANDLE PortHandle, ULONG64 RequestMessage, ULONG64 ReplyMessage);
/** Answers a request.
 *  @return STATUS_INVALID_PARAMETER: lengths, or no message id; STATUS_PORT_MESSAGE_TOO_LONG, STATUS_INVALID_CID,
 *  STATUS_REPLY_MESSAGE_MISMATCH */
NTSTATUS NtReplyPort(HANDLE PortHandle, ULONG64 ReplyMessage);
/** NtReplyWaitReceivePortEx without a timeout. */
NTSTATUS NtReplyWaitReceivePort(HANDLE PortHandle, ULONG64 PortContext, ULONG64 ReplyMessage, ULONG64 ReceiveMessage);
/** Answers a request, unless ReplyMessage is 0, and waits for the next message. A failed answer ends it; a message that
 *  cannot be written stays the port's next.
 *  @return statuses of NtReplyPort; STATUS_TIMEOUT */
NTSTATUS NtReplyWaitReceivePortEx(HANDLE PortHandle, ULONG64 PortContext, ULONG64 ReplyMessage, ULONG64 ReceiveMessage,
                                  ULONG64 Timeout);

#endif
