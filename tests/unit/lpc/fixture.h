/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file fixture.h  A machine that is entered for the whole test; server and clients are native threads. */
#ifndef TESTS_UNIT_LPC_FIXTURE_H
#define TESTS_UNIT_LPC_FIXTURE_H

#include "machine/machine.h"
#include "ntos/lpc/lpc.h"
#include "ntos/svc/svc_object.h"
#include "ntos/svc/svc_port.h"
#include "ntos/svc/svc_sync.h"

#include <check.h>

/** A host address as a service takes it. */
#define AT(pointer) ((ULONG64)(uintptr_t)(pointer))
/** A relative time of so many milliseconds, as a service takes it. */
#define MS(n) AT(&(const LONG64){-10000ll * (n)})
/** Asserts a status, showing both in hexadecimal. */
#define ck_status(call, expected)                                                                                      \
  do {                                                                                                                 \
    NTSTATUS status_ = (call);                                                                                         \
    ck_assert_msg(status_ == (expected), "%s gave %08X, not %s", #call, (unsigned)status_, #expected);                 \
  } while (0)

#define HEADER ((USHORT)sizeof(PORT_MESSAGE))

/** Fixture: builds and enters a machine. */
void lpc_setup(void);
/** The same for Windows XP. */
void lpc_setup_xp(void);
/** Fixture: asserts that no port, handle or queued message is left, and destroys the machine. */
void lpc_teardown(void);
/** The machine of the test. */
dbgksim_machine *lpc_machine(void);

/** Makes a named connection port: \RPC Control\test. */
HANDLE make_port(void);
/** Makes a port without a name. */
HANDLE make_unnamed_port(ULONG max_message_length);
/** Status of NtConnectPort to a name without anything else. */
NTSTATUS connect_to(const WCHAR *name, HANDLE *client);
/** A message of text. */
LPC_MESSAGE message_of(const char *text);
/** Asserts that a message has this type and text. */
void is_message(const LPC_MESSAGE *message, unsigned type, const char *text);
/** Receives, within a second. */
LPC_MESSAGE receive(HANDLE port, ULONG64 *context);
/** Asserts that nothing is received in 20 ms. */
void no_message(HANDLE port);
/** Starts a native thread of a process (NULL: the test's own); its handle. */
HANDLE native_thread(EPROCESS *process, void (*fn)(void *), void *argument);
/** Waits for the end of a thread and closes its handle. */
void join(HANDLE thread);
/** Runs the others for so many milliseconds of virtual time. */
void run_for(unsigned milliseconds);

/** Both ends of a connection. */
struct connection {
  HANDLE port, client, server;
};
/** Connects; the server's context is 0x1234567. */
struct connection connected(void);
/** Closes what is not 0. */
void disconnect(struct connection *c);

/** A thread that sends a request and waits. */
struct request {
  HANDLE port;
  LPC_MESSAGE sent, reply;
  NTSTATUS status;
  HANDLE thread;
};
/** Starts it. */
void start_request(struct request *r, HANDLE port, const char *text);

#define TEST_PORT u"\\RPC Control\\test"

TCase *connection_tests(void);
TCase *xp_tests(void);
TCase *message_tests(void);

#endif
