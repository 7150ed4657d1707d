/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of step 8 of KiDispatchException (spec/2.1, 2.2): exception port, then error port, then the end of the
 * process; and hard errors. A native thread serves one port that is both. */
#include "stage.h"

#include "dbgk/internal.h"
#include "ntos/svc/svc_object.h"
#include "ntos/svc/svc_port.h"
#include "ntos/svc/svc_process.h"
#include "ntos/svc/svc_system.h"

#include <string.h>

#define AT(pointer) ((ULONG64)(uintptr_t)(pointer))
#define UD2 "\x0F\x0B"
#define EXCEPTION_PORT_CLASS 8
#define TEB_HARD_ERROR_MODE 0x16B0
#define RESPONSE_AT STAGE_DATA
#define NO_RESPONSE 99u
/* Data of a reply that lacks the last byte of its response, or of its status. */
#define SHORT_ERROR (offsetof(HARDERROR_MSG, NumberOfParameters) - sizeof(PORT_MESSAGE) - 1)
#define SHORT_STATUS (offsetof(DBGKM_APIMSG, u) - sizeof(PORT_MESSAGE) - 1)

static struct stage s;
static HANDLE port, process;
static EPROCESS *debuggee;

enum act { ANSWER, ANSWER_SHORT, CLOSE_PORT, TERMINATE };

/* What the server does with the messages of each kind, and what it has seen. */
static struct {
  NTSTATUS to_exception, to_error;
  ULONG response;
  enum act act; /**< for what comes to the error port */
  char seen[64];
  EXCEPTION_RECORD64 record;
  bool reported; /**< PS_PROCESS_FLAGS_CREATE_REPORTED, when the exception came */
} server;

union message {
  PORT_MESSAGE h;
  DBGKM_APIMSG api;
  HARDERROR_MSG error;
  UCHAR bytes[LPC_MAX_MESSAGE_LENGTH];
};

static void saw(const char *what) { strncat(server.seen, what, sizeof server.seen - strlen(server.seen) - 1); }

/* False: nobody gets an answer. */
static bool answer(union message *m)
{
  const bool hard_error = m->h.TotalLength == sizeof m->error;
  if (m->h.Type == LPC_EXCEPTION) {
    saw("exception ");
    server.reported = (debuggee->Flags & PS_PROCESS_FLAGS_CREATE_REPORTED) != 0;
    m->api.ReturnedStatus = server.to_exception;
    return true;
  }
  ck_assert_uint_eq(m->h.Type, LPC_ERROR_EVENT);
  saw(hard_error ? "hard-error " : "error ");
  if (!hard_error) {
    ck_assert_uint_eq(m->api.ApiNumber, DbgKmErrorReportApi);
    server.record = m->api.u.Exception.ExceptionRecord;
    m->api.ReturnedStatus = server.to_error;
  } else {
    m->error.Response = server.response;
  }
  if (server.act == ANSWER_SHORT) {
    m->h.DataLength = hard_error ? SHORT_ERROR : SHORT_STATUS;
    m->h.TotalLength = (USHORT)(sizeof m->h + m->h.DataLength);
  }
  if (server.act == CLOSE_PORT)
    ck_assert_int_eq(NtClose(port), STATUS_SUCCESS);
  if (server.act == TERMINATE)
    ck_assert_int_eq(NtTerminateProcess(process, 0x77), STATUS_SUCCESS);
  return server.act == ANSWER || server.act == ANSWER_SHORT;
}

static void serve(void *argument)
{
  union message message;
  (void)argument;
  while (NtReplyWaitReceivePort(port, 0, 0, AT(&message)) == STATUS_SUCCESS && answer(&message))
    ck_assert_int_eq(NtReplyPort(port, AT(&message)), STATUS_SUCCESS);
}

static char order[256];

static void note_port(void *context, const struct dbgksim_trace_record *r)
{
  (void)context;
  const char *what = r->kind == DBGKSIM_TRACE_FORWARD          ? r->b ? r->c ? "port2 " : "port1 " : "exception-port "
                     : r->kind == DBGKSIM_TRACE_EXCEPTION_PORT ? r->a ? "handled " : "not-handled "
                     : r->kind == DBGKSIM_TRACE_SEND && r->b & DBGKP_SEND_LPC
                         ? r->a == DbgKmErrorReportApi ? "send-error " : "send "
                         : "";
  strncat(order, what, sizeof order - strlen(order) - 1);
}

#define PORT_KINDS                                                                                                     \
  (DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_FORWARD) | DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_EXCEPTION_PORT) |                        \
   DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_SEND))

static void setup_era(const char *era)
{
  memset(&server, 0, sizeof server);
  server.to_exception = DBG_EXCEPTION_NOT_HANDLED;
  server.response = ResponseRetry;
  order[0] = 0;
  stage_start_era(&s, era);
  ck_assert_int_eq(dbgksim_trace_subscribe(s.machine, PORT_KINDS, note_port, NULL), DBGKSIM_OK);
  debuggee = stage_process(&s);
  STAGE_INSIDE(&s, {
    ETHREAD *thread;
    const OBJECT_ATTRIBUTES64 unnamed = {.Length = sizeof unnamed};
    ck_assert_int_eq(NtCreatePort(AT(&port), AT(&unnamed), 0, LPC_MAX_MESSAGE_LENGTH, 0), STATUS_SUCCESS);
    ck_assert_int_eq(ObOpenObjectByPointer(debuggee, 0, PROCESS_ALL_ACCESS, NULL, &process), STATUS_SUCCESS);
    ck_assert_int_eq(NtSetInformationProcess(process, EXCEPTION_PORT_CLASS, AT(&port), sizeof port), STATUS_SUCCESS);
    ck_assert_int_eq(NtSetDefaultHardErrorPort(port), STATUS_SUCCESS);
    ck_assert_int_eq(PsCreateNativeThread(s.machine->host_process, serve, NULL, &thread), STATUS_SUCCESS);
    ObDereferenceObject(thread);
  });
}

static void setup(void) { setup_era(NULL); }
static void teardown(void) { stage_end(&s); }

/* UD2, which the debugger handles neither time. */
static void fault(void)
{
  stage_expect(stage_run(&s, UD2, 2, 0x33), STATUS_ILLEGAL_INSTRUCTION, STAGE_CODE, 0);
  stage_next(&s, DBG_EXCEPTION_NOT_HANDLED);
  ck_assert(!s.event.first_chance);
  order[0] = 0;
  ck_assert_int_eq(dbgksim_continue(s.debugger, &s.event, DBG_EXCEPTION_NOT_HANDLED), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_wait(s.debugger, -1, &s.event), DBGKSIM_OK);
}

static void expect_end(uint32_t code)
{
  ck_assert_int_eq(s.event.code, DBGKSIM_EXIT_PROCESS);
  ck_assert_uint_eq(s.event.exit_code, code);
}

START_TEST(the_exception_port_handles_it)
{
  server.to_exception = DBG_CONTINUE;
  fault();
  /* it is met again */
  ck_assert_int_eq(s.event.code, DBGKSIM_EXCEPTION);
  stage_expect(&s.event.exception, STATUS_ILLEGAL_INSTRUCTION, STAGE_CODE, 0);
  ck_assert(s.event.first_chance);
  ck_assert_str_eq(server.seen, "exception ");
  ck_assert_str_eq(order, "exception-port send handled port1 ");
}
END_TEST

/* A failure that is no "not handled" is final: the error port is not asked. */
START_TEST(the_exception_port_fails)
{
  server.to_exception = STATUS_UNSUCCESSFUL;
  fault();
  expect_end(0xC000001D);
  ck_assert_str_eq(server.seen, "exception ");
  ck_assert_str_eq(order, "exception-port send not-handled ");
}
END_TEST

static const struct {
  enum act act;
  NTSTATUS status;
  bool handled;
  uint32_t exit_code;
} endings[] = {
    {ANSWER, DBG_CONTINUE, true, 0},
    {ANSWER, STATUS_SUCCESS, true, 0},
    {ANSWER, DBG_EXCEPTION_NOT_HANDLED, false, 0xC000001D},
    {ANSWER, STATUS_UNSUCCESSFUL, false, 0xC000001D},
    /* nobody has said that it is handled */
    {ANSWER_SHORT, DBG_CONTINUE, false, 0xC000001D},
    /* the server goes: the reply is lost */
    {CLOSE_PORT, DBG_CONTINUE, false, 0xC000001D},
    /* who waits for the answer is ended: by the other's code */
    {TERMINATE, DBG_CONTINUE, false, 0x77},
};

START_TEST(the_error_port_is_asked_last)
{
  server.act = endings[_i].act;
  server.to_error = endings[_i].status;
  fault();
  ck_assert_str_eq(server.seen, "exception error ");
  stage_expect(&server.record, STATUS_ILLEGAL_INSTRUCTION, STAGE_CODE, 0);
  if (endings[_i].handled) {
    stage_expect(&s.event.exception, STATUS_ILLEGAL_INSTRUCTION, STAGE_CODE, 0);
    ck_assert_str_eq(order, "exception-port send not-handled send-error handled port1 ");
  } else {
    expect_end(endings[_i].exit_code);
    ck_assert_str_eq(order, "exception-port send not-handled send-error not-handled ");
  }
}
END_TEST

/* spec/2.2: no exception port is the status DBG_EXCEPTION_NOT_HANDLED, so that the error port is asked next. */
START_TEST(no_exception_port_leads_to_the_error_port)
{
  server.to_error = _i ? DBG_CONTINUE : DBG_EXCEPTION_NOT_HANDLED;
  STAGE_INSIDE(&s, PspReleaseExceptionPort(debuggee));
  fault();
  ck_assert_str_eq(server.seen, "error ");
  stage_expect(&server.record, STATUS_ILLEGAL_INSTRUCTION, STAGE_CODE, 0);
  if (_i) {
    stage_expect(&s.event.exception, STATUS_ILLEGAL_INSTRUCTION, STAGE_CODE, 0);
    ck_assert_str_eq(order, "exception-port send-error handled port1 ");
  } else {
    expect_end(0xC000001D);
    ck_assert_str_eq(order, "exception-port send-error not-handled ");
  }
}
END_TEST

/* spec/2.3: older kernels mark the process when they send, to this port, too. */
START_TEST(sending_marks_the_process_in_older_eras)
{
  static const struct {
    const char *era;
    bool reported;
  } eras[] = {{"xp", true}, {"win7", false}, {"win10", false}};
  teardown();
  setup_era(eras[_i].era);
  server.to_exception = DBG_CONTINUE;
  stage_run(&s, UD2, 2, 0x33);
  stage_next(&s, DBG_EXCEPTION_NOT_HANDLED);
  debuggee->Flags &= ~PS_PROCESS_FLAGS_CREATE_REPORTED;
  stage_next(&s, DBG_EXCEPTION_NOT_HANDLED);
  ck_assert_str_eq(server.seen, "exception ");
  ck_assert_int_eq(server.reported, eras[_i].reported);
}
END_TEST

/* ---- hard errors ---- */

/* NtRaiseHardError without parameters; the response, which the service leaves alone if it fails. */
static ULONG raise_hard_error(void)
{
  const uint64_t on_stack[2] = {OptionOk, RESPONSE_AT};
  ULONG response = NO_RESPONSE;
  stage_write(&s, RESPONSE_AT, &response, sizeof response);
  stage_write(&s, STAGE_STACK + 0x28, on_stack, sizeof on_stack);
  ck_assert_int_eq(stage_service(&s, "NtRaiseHardError", 0xC0000222, 0, 0, 0), STATUS_SUCCESS);
  stage_read(&s, RESPONSE_AT, &response, sizeof response);
  return response;
}

START_TEST(the_response_is_the_servers)
{
  ck_assert_uint_eq(raise_hard_error(), ResponseRetry);
  ck_assert_str_eq(server.seen, "hard-error ");
  ck_assert_str_eq(order, "send-error port1 ");
  server.response = ResponseContinue;
  ck_assert_uint_eq(raise_hard_error(), ResponseContinue);
  server.response = ResponseContinue + 1;
  ck_assert_uint_eq(raise_hard_error(), ResponseReturnToCaller);
}
END_TEST

/* Nor does an earlier response count. */
START_TEST(a_reply_without_a_response)
{
  ck_assert_uint_eq(raise_hard_error(), ResponseRetry);
  server.act = ANSWER_SHORT;
  ck_assert_uint_eq(raise_hard_error(), ResponseReturnToCaller);
}
END_TEST

/* SEM_FAILCRITICALERRORS in the TEB switches reports off; a TEB that can not be read switches nothing off. */
START_TEST(the_mode_in_the_teb)
{
  const uint64_t teb = stage_thread(&s)->Tcb.Teb, page = (teb + TEB_HARD_ERROR_MODE) & ~0xFFFull;
  stage_write(&s, teb + TEB_HARD_ERROR_MODE, &(ULONG){0x10}, 4);
  ck_assert_uint_eq(raise_hard_error(), ResponseReturnToCaller);
  ck_assert_str_eq(server.seen, "");
  stage_protect(&s, page, 0x1000, PAGE_NOACCESS);
  ck_assert_uint_eq(raise_hard_error(), ResponseRetry);
  stage_protect(&s, page, 0x1000, PAGE_READWRITE);
  ck_assert_uint_eq(raise_hard_error(), ResponseReturnToCaller);
}
END_TEST

/* The server's own exceptions are not its to answer: it would wait for itself. */
START_TEST(the_server_cannot_answer_itself)
{
  const EXCEPTION_RECORD64 record = {.ExceptionCode = STATUS_ACCESS_VIOLATION};
  STAGE_INSIDE(&s, ck_assert_int_eq(DbgkpSendErrorMessage(&record), DBG_EXCEPTION_NOT_HANDLED));
  ck_assert_str_eq(server.seen, "");
}
END_TEST

TCase *port_tests(void)
{
  TCase *tests = tcase_create("exception and error ports");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, the_exception_port_handles_it);
  tcase_add_test(tests, the_exception_port_fails);
  tcase_add_loop_test(tests, the_error_port_is_asked_last, 0, (int)(sizeof endings / sizeof endings[0]));
  tcase_add_loop_test(tests, no_exception_port_leads_to_the_error_port, 0, 2);
  tcase_add_loop_test(tests, sending_marks_the_process_in_older_eras, 0, 3);
  tcase_add_test(tests, the_response_is_the_servers);
  tcase_add_test(tests, a_reply_without_a_response);
  tcase_add_test(tests, the_mode_in_the_teb);
  tcase_add_test(tests, the_server_cannot_answer_itself);
  return tests;
}
