/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Services of objects and waits, called as a native process does: its user memory is the test's own. */
#include "fixture.h"
#include "ntos/svc/svc_iocompletion.h"
#include "ntos/svc/svc_object.h"
#include "ntos/svc/svc_sync.h"

#include <stdlib.h>
#include <string.h>

#define STATUS_INVALID_PARAMETER_MIX NT_STATUS_VALUE(0xC0000030)
#define AT(object) ((ULONG64)(uintptr_t)(object))

static void setup(void)
{
  machine_setup();
  fixture_process->native = TRUE;
}

/* OBJECT_ATTRIBUTES with an ASCII name. */
struct named {
  OBJECT_ATTRIBUTES64 attributes;
  UNICODE_STRING64 string;
  WCHAR text[128];
};

static ULONG64 named(struct named *n, const char *name, HANDLE root, ULONG attributes)
{
  memset(n, 0, sizeof *n);
  for (size_t i = 0; name[i]; i++)
    n->text[i] = (UCHAR)name[i];
  n->string.Length = (USHORT)(strlen(name) * 2);
  n->string.MaximumLength = (USHORT)(n->string.Length + 2);
  n->string.Buffer = AT(n->text);
  n->attributes.Length = sizeof n->attributes;
  n->attributes.RootDirectory = root;
  n->attributes.ObjectName = AT(&n->string);
  n->attributes.Attributes = attributes;
  return AT(&n->attributes);
}

static HANDLE event(EVENT_TYPE type, BOOLEAN state)
{
  HANDLE handle = 0;
  ck_status(NtCreateEvent(AT(&handle), EVENT_ALL_ACCESS, 0, type, state), STATUS_SUCCESS);
  return handle;
}

static NTSTATUS poll(HANDLE handle)
{
  static const LONG64 now = 0;
  return NtWaitForSingleObject(handle, FALSE, AT(&now));
}

START_TEST(an_event_is_created_opened_set_and_queried)
{
  struct named n;
  HANDLE first, second;
  LONG previous = 7;
  ULONG information[2], length;
  ck_status(NtCreateEvent(AT(&first), EVENT_ALL_ACCESS, named(&n, "\\BaseNamedObjects\\e", 0, 0), 2, FALSE),
            STATUS_INVALID_PARAMETER);
  ck_status(NtCreateEvent(AT(&first), EVENT_ALL_ACCESS, AT(&n.attributes), SynchronizationEvent, FALSE),
            STATUS_SUCCESS);
  ck_status(NtCreateEvent(AT(&second), EVENT_ALL_ACCESS, AT(&n.attributes), SynchronizationEvent, FALSE),
            STATUS_OBJECT_NAME_COLLISION);
  n.attributes.Attributes = OBJ_OPENIF;
  ck_status(NtCreateEvent(AT(&second), EVENT_ALL_ACCESS, AT(&n.attributes), SynchronizationEvent, FALSE),
            STATUS_OBJECT_NAME_EXISTS);
  ck_status(NtCompareObjects(first, second), STATUS_SUCCESS);
  ck_status(NtOpenEvent(AT(&second), SYNCHRONIZE, AT(&n.attributes)), STATUS_SUCCESS);
  ck_status(NtSetEvent(second, 0), STATUS_ACCESS_DENIED);
  ck_status(NtSetEvent(first, AT(&previous)), STATUS_SUCCESS);
  ck_assert_int_eq(previous, 0);
  ck_status(NtQueryEvent(first, 1, AT(information), sizeof information, 0), STATUS_INVALID_INFO_CLASS);
  ck_status(NtQueryEvent(first, 0, AT(information), 4, 0), STATUS_INFO_LENGTH_MISMATCH);
  ck_status(NtQueryEvent(first, 0, AT(information), sizeof information, AT(&length)), STATUS_SUCCESS);
  ck_assert_uint_eq(length, 8);
  ck_assert_uint_eq(information[0], SynchronizationEvent);
  ck_assert_uint_eq(information[1], 1);
  ck_status(poll(second), STATUS_SUCCESS);
  ck_status(poll(second), STATUS_TIMEOUT);
}
END_TEST

START_TEST(object_attributes_are_checked)
{
  struct named n;
  HANDLE handle, directory;
  ULONG64 at = named(&n, "\\BaseNamedObjects\\e", 0, 0);
  n.attributes.Length--;
  ck_status(NtCreateEvent(AT(&handle), EVENT_ALL_ACCESS, at, 0, FALSE), STATUS_INVALID_PARAMETER);
  n.attributes.Length++;
  n.attributes.Attributes = 1;
  ck_status(NtCreateEvent(AT(&handle), EVENT_ALL_ACCESS, at, 0, FALSE), STATUS_INVALID_PARAMETER);
  n.attributes.Attributes = OBJ_PERMANENT;
  ck_status(NtCreateEvent(AT(&handle), EVENT_ALL_ACCESS, at, 0, FALSE), NT_STATUS_VALUE(0xC0000061));
  ck_status(NtOpenEvent(AT(&handle), EVENT_ALL_ACCESS, 0), STATUS_INVALID_PARAMETER);
  ck_status(NtOpenEvent(AT(&handle), EVENT_ALL_ACCESS, named(&n, "", 0, 0)), STATUS_OBJECT_PATH_SYNTAX_BAD);
  ck_status(NtOpenEvent(AT(&handle), EVENT_ALL_ACCESS, named(&n, "e", 0, 0)), STATUS_OBJECT_PATH_SYNTAX_BAD);
  ck_status(NtOpenDirectoryObject(AT(&directory), GENERIC_READ, named(&n, "\\BaseNamedObjects", 0, 0)), STATUS_SUCCESS);
  ck_status(NtOpenEvent(AT(&handle), EVENT_ALL_ACCESS, named(&n, "\\e", directory, 0)), STATUS_OBJECT_PATH_SYNTAX_BAD);
  ck_status(NtOpenEvent(AT(&handle), EVENT_ALL_ACCESS, named(&n, "e", 0x5000, 0)), STATUS_INVALID_HANDLE);
  ck_status(NtCreateEvent(AT(&handle), EVENT_ALL_ACCESS, named(&n, "e", directory, 0), 0, FALSE), STATUS_SUCCESS);
  ck_status(NtOpenEvent(AT(&handle), EVENT_ALL_ACCESS, named(&n, "\\basenamedobjects\\E", 0, 0)), STATUS_SUCCESS);
}
END_TEST

START_TEST(a_mutant_counts_its_owner)
{
  HANDLE handle;
  LONG previous;
  struct {
    LONG count;
    BOOLEAN owned, abandoned;
    USHORT padding;
  } information;
  ck_status(NtCreateMutant(AT(&handle), SYNCHRONIZE, 0, TRUE), STATUS_SUCCESS);
  ck_status(poll(handle), STATUS_SUCCESS);
  ck_status(NtQueryMutant(handle, 0, AT(&information), 8, 0), STATUS_ACCESS_DENIED);
  ck_status(NtReleaseMutant(handle, AT(&previous)), STATUS_SUCCESS);
  ck_assert_int_eq(previous, -1);
  ck_status(NtReleaseMutant(handle, AT(&previous)), STATUS_SUCCESS);
  ck_assert_int_eq(previous, 0);
  ck_status(NtReleaseMutant(handle, AT(&previous)), STATUS_MUTANT_NOT_OWNED);
  ck_status(NtCreateMutant(AT(&handle), MUTANT_ALL_ACCESS, 0, TRUE), STATUS_SUCCESS);
  ck_status(NtQueryMutant(handle, 0, AT(&information), 8, 0), STATUS_SUCCESS);
  ck_assert_int_eq(information.count, 0);
  ck_assert_int_eq(information.owned, TRUE);
}
END_TEST

START_TEST(a_semaphore_keeps_its_limit)
{
  HANDLE handle;
  LONG previous, information[2];
  ck_status(NtCreateSemaphore(AT(&handle), SEMAPHORE_ALL_ACCESS, 0, 3, 2), STATUS_INVALID_PARAMETER);
  ck_status(NtCreateSemaphore(AT(&handle), SEMAPHORE_ALL_ACCESS, 0, 0, 0), STATUS_INVALID_PARAMETER);
  ck_status(NtCreateSemaphore(AT(&handle), SEMAPHORE_ALL_ACCESS, 0, 1, 3), STATUS_SUCCESS);
  ck_status(NtReleaseSemaphore(handle, 0, 0), STATUS_INVALID_PARAMETER);
  ck_status(NtReleaseSemaphore(handle, 3, AT(&previous)), STATUS_SEMAPHORE_LIMIT_EXCEEDED);
  ck_status(NtReleaseSemaphore(handle, 2, AT(&previous)), STATUS_SUCCESS);
  ck_assert_int_eq(previous, 1);
  ck_status(poll(handle), STATUS_SUCCESS);
  ck_status(NtQuerySemaphore(handle, 0, AT(information), 8, 0), STATUS_SUCCESS);
  ck_assert_int_eq(information[0], 2);
  ck_assert_int_eq(information[1], 3);
}
END_TEST

START_TEST(a_timer_fires_when_due)
{
  HANDLE handle;
  LONG64 due = -10000;
  BOOLEAN state = TRUE;
  struct {
    LONG64 remaining;
    ULONG64 state;
  } information;
  ck_status(NtCreateTimer(AT(&handle), TIMER_ALL_ACCESS, 0, 2), STATUS_INVALID_PARAMETER_4);
  ck_status(NtCreateTimer(AT(&handle), TIMER_ALL_ACCESS, 0, NotificationTimer), STATUS_SUCCESS);
  ck_status(NtSetTimer(handle, AT(&due), 0, 0, FALSE, -1, 0), STATUS_INVALID_PARAMETER_6);
  ck_status(NtSetTimer(handle, AT(&due), 0, 0, FALSE, 0, AT(&state)), STATUS_SUCCESS);
  ck_assert_int_eq(state, FALSE);
  ck_status(NtQueryTimer(handle, 0, AT(&information), sizeof information, 0), STATUS_SUCCESS);
  ck_assert_int_gt(information.remaining, 0);
  ck_assert_int_le(information.remaining, 10000);
  ck_status(poll(handle), STATUS_TIMEOUT);
  ck_status(NtWaitForSingleObject(handle, FALSE, 0), STATUS_SUCCESS);
  ck_status(NtCancelTimer(handle, AT(&state)), STATUS_SUCCESS);
  ck_assert_int_eq(state, TRUE);
  ck_status(NtSetTimer(handle, AT(&due), 0, 0, TRUE, 0, 0), STATUS_TIMER_RESUME_IGNORED);
}
END_TEST

START_TEST(a_timers_apc_ends_an_alertable_wait_and_is_withdrawn_by_a_cancel)
{
  HANDLE handle;
  LONG64 due = -10000;
  KTHREAD *thread = KeGetCurrentThread();
  LONG64 references = ob_header(thread)->PointerCount;
  HANDLE never = event(NotificationEvent, FALSE);
  ck_status(NtCreateTimer(AT(&handle), TIMER_ALL_ACCESS, 0, SynchronizationTimer), STATUS_SUCCESS);
  ck_status(NtSetTimer(handle, AT(&due), 0x1234, 0, FALSE, 0, 0), STATUS_SUCCESS);
  ck_status(NtWaitForSingleObject(never, TRUE, 0), STATUS_USER_APC);
  ck_assert(!IsListEmpty(&thread->ApcListHead[UserMode]));
  ck_status(NtCancelTimer(handle, 0), STATUS_SUCCESS);
  ck_assert(IsListEmpty(&thread->ApcListHead[UserMode]));
  ck_assert_int_eq(ob_header(thread)->PointerCount, references);
}
END_TEST

START_TEST(a_multiple_wait_checks_its_arguments)
{
  HANDLE handles[65];
  LONG64 now = 0;
  for (int i = 0; i < 65; i++)
    handles[i] = event(NotificationEvent, i == 3 || i == 5);
  ULONG64 at = AT(handles), timeout = AT(&now);
  ck_status(NtWaitForMultipleObjects(0, at, WaitAny, FALSE, timeout), STATUS_INVALID_PARAMETER_1);
  ck_status(NtWaitForMultipleObjects(65, at, WaitAny, FALSE, timeout), STATUS_INVALID_PARAMETER_1);
  ck_status(NtWaitForMultipleObjects(64, at, 2, FALSE, timeout), STATUS_INVALID_PARAMETER_3);
  ck_status(NtWaitForMultipleObjects(64, at, WaitAny, FALSE, timeout), STATUS_WAIT_0 + 3);
  ck_status(NtWaitForMultipleObjects(64, at, WaitAll, FALSE, timeout), STATUS_TIMEOUT);
  handles[1] = handles[0];
  ck_status(NtWaitForMultipleObjects(64, at, WaitAll, FALSE, timeout), STATUS_INVALID_PARAMETER_MIX);
  ck_status(NtWaitForMultipleObjects(64, at, WaitAny, FALSE, timeout), STATUS_WAIT_0 + 3);
  handles[63] = 0x5000;
  ck_status(NtWaitForMultipleObjects(64, at, WaitAny, FALSE, timeout), STATUS_INVALID_HANDLE);
}
END_TEST

START_TEST(a_wait_needs_synchronize_and_a_dispatcher_object)
{
  struct named n;
  HANDLE handle;
  void *object;
  ck_status(NtCreateEvent(AT(&handle), EVENT_MODIFY_STATE, 0, 0, TRUE), STATUS_SUCCESS);
  ck_status(poll(handle), STATUS_ACCESS_DENIED);
  ck_status(NtOpenDirectoryObject(AT(&handle), MAXIMUM_ALLOWED, named(&n, "\\", 0, 0)), STATUS_SUCCESS);
  ck_status(poll(handle), STATUS_ACCESS_DENIED);
  OBJECT_TYPE *type = fixture_counting_type(); /* has SYNCHRONIZE, no dispatcher header */
  ck_status(ObCreateObject(type, 8, &object), STATUS_SUCCESS);
  ck_status(ObInsertObject(object, NULL, 0, GENERIC_ALL, &handle), STATUS_SUCCESS);
  ck_status(poll(handle), STATUS_OBJECT_TYPE_MISMATCH);
  ck_assert_int_eq(ob_header(object)->PointerCount, 1);
}
END_TEST

START_TEST(signal_and_wait_signals_first)
{
  HANDLE signal = event(NotificationEvent, FALSE), waited = event(NotificationEvent, TRUE), mutant;
  ck_status(NtSignalAndWaitForSingleObject(signal, waited, FALSE, 0), STATUS_SUCCESS);
  ck_status(poll(signal), STATUS_SUCCESS);
  ck_status(NtCreateMutant(AT(&mutant), MUTANT_ALL_ACCESS, 0, FALSE), STATUS_SUCCESS);
  ck_status(NtSignalAndWaitForSingleObject(mutant, waited, FALSE, 0), STATUS_MUTANT_NOT_OWNED);
  ck_status(NtSignalAndWaitForSingleObject(NtCurrentThread(), waited, FALSE, 0), STATUS_OBJECT_TYPE_MISMATCH);
}
END_TEST

struct meeting {
  HANDLE handle;
  NTSTATUS status;
};
static void release_key(void *context)
{
  struct meeting *meeting = context;
  KeGetCurrentThread()->PreviousMode = UserMode;
  meeting->status = NtReleaseKeyedEvent(meeting->handle, 0x1000, FALSE, 0);
}
static void reap_nothing(KTHREAD *thread) { (void)thread; }
static void run_release(void *context)
{
  release_key(context);
  KeTerminateThread(reap_nothing);
}

START_TEST(keyed_events_meet_by_key)
{
  struct meeting meeting = {.status = STATUS_PENDING};
  LONG64 soon = -10000;
  void *thread;
  ck_status(NtCreateKeyedEvent(AT(&meeting.handle), GENERIC_ALL, 0, 1), STATUS_INVALID_PARAMETER_4);
  ck_status(NtCreateKeyedEvent(AT(&meeting.handle), GENERIC_ALL, 0, 0), STATUS_SUCCESS);
  ck_status(NtWaitForKeyedEvent(meeting.handle, 0x1001, FALSE, AT(&soon)), STATUS_INVALID_PARAMETER_1);
  ck_status(NtWaitForKeyedEvent(0, 0x1000, FALSE, AT(&soon)), STATUS_TIMEOUT);
  ck_status(ObCreateObject(ob_types()->Thread, sizeof(ETHREAD), &thread), STATUS_SUCCESS);
  ck_status(KeInitThread(thread, run_release, &meeting, &fixture_process->Pcb), STATUS_SUCCESS);
  KeReadyThread(thread);
  ck_status(NtWaitForKeyedEvent(meeting.handle, 0x2000, FALSE, AT(&soon)), STATUS_TIMEOUT);
  ck_status(meeting.status, STATUS_PENDING);
  ck_status(NtWaitForKeyedEvent(meeting.handle, 0x1000, FALSE, 0), STATUS_SUCCESS);
  ck_status(NtDelayExecution(FALSE, AT(&soon)), STATUS_SUCCESS);
  ck_status(meeting.status, STATUS_SUCCESS);
}
END_TEST

START_TEST(closing_a_bad_handle_only_returns_a_status_without_a_debugger)
{
  BOOLEAN flags[2] = {FALSE, TRUE};
  HANDLE handle = event(NotificationEvent, FALSE);
  for (LONG64 pseudo = 0; pseudo >= -6; pseudo--)
    ck_status(NtClose((HANDLE)pseudo), STATUS_INVALID_HANDLE);
  ck_status(NtClose(0x5000), STATUS_INVALID_HANDLE);
  ck_status(NtSetInformationObject(handle, 4, AT(flags), 2), STATUS_SUCCESS);
  ck_status(NtClose(handle), STATUS_HANDLE_NOT_CLOSABLE);
  flags[1] = FALSE;
  ck_status(NtSetInformationObject(handle, 4, AT(flags), 2), STATUS_SUCCESS);
  ck_status(NtClose(handle), STATUS_SUCCESS);
}
END_TEST

START_TEST(handle_flags_are_queried_as_set)
{
  BOOLEAN flags[2] = {TRUE, FALSE}, seen[2];
  HANDLE handle = event(NotificationEvent, FALSE);
  ck_status(NtSetInformationObject(handle, 3, AT(flags), 2), STATUS_INVALID_INFO_CLASS);
  ck_status(NtSetInformationObject(handle, 4, AT(flags), 1), STATUS_INFO_LENGTH_MISMATCH);
  ck_status(NtSetInformationObject(handle, 4, AT(flags), 2), STATUS_SUCCESS);
  ck_status(NtQueryObject(handle, 4, AT(seen), 3, 0), STATUS_INFO_LENGTH_MISMATCH);
  ck_status(NtQueryObject(handle, 4, AT(seen), 2, 0), STATUS_SUCCESS);
  ck_assert_int_eq(seen[0], TRUE);
  ck_assert_int_eq(seen[1], FALSE);
}
END_TEST

START_TEST(duplicates_have_the_asked_access_and_attributes)
{
  ULONG information[14];
  HANDLE handle = event(NotificationEvent, FALSE), copy;
  HANDLE self = NtCurrentProcess();
  ck_status(NtDuplicateObject(self, handle, self, AT(&copy), EVENT_QUERY_STATE, OBJ_INHERIT, 0), STATUS_SUCCESS);
  ck_status(NtQueryObject(copy, 0, AT(information), sizeof information, 0), STATUS_SUCCESS);
  ck_assert_uint_eq(information[0], OBJ_INHERIT);
  ck_assert_uint_eq(information[1], EVENT_QUERY_STATE);
  ck_assert_uint_eq(information[2], 2); /* handles */
  ck_status(NtDuplicateObject(self, copy, self, AT(&copy), 0, 0,
                              DUPLICATE_SAME_ACCESS | DUPLICATE_SAME_ATTRIBUTES | DUPLICATE_CLOSE_SOURCE),
            STATUS_SUCCESS);
  ck_status(NtQueryObject(copy, 0, AT(information), sizeof information, 0), STATUS_SUCCESS);
  ck_assert_uint_eq(information[0], OBJ_INHERIT);
  ck_assert_uint_eq(information[1], EVENT_QUERY_STATE);
  ck_assert_uint_eq(information[2], 2);
  ck_status(NtDuplicateObject(self, copy, 0, 0, 0, 0, DUPLICATE_CLOSE_SOURCE), STATUS_SUCCESS);
  ck_status(NtClose(copy), STATUS_INVALID_HANDLE);
  ck_status(NtDuplicateObject(self, 0x5000, self, AT(&copy), 0, 0, DUPLICATE_SAME_ACCESS), STATUS_INVALID_HANDLE);
  ck_assert_uint_eq(copy, 0);
  ck_status(NtDuplicateObject(self, NtCurrentThread(), self, AT(&copy), 0, 0, DUPLICATE_SAME_ACCESS), STATUS_SUCCESS);
  ck_status(NtCompareObjects(copy, NtCurrentThread()), STATUS_SUCCESS);
  ck_status(NtCompareObjects(copy, NtCurrentProcess()), STATUS_NOT_SAME_OBJECT);
}
END_TEST

/* Objects of a type as ObjectTypesInformation tells them; -1: no such type. */
static int count_in_types(const char *wanted)
{
  ULONG needed = 0;
  ck_status(NtQueryObject(0, 3, 0, 0, AT(&needed)), STATUS_INFO_LENGTH_MISMATCH);
  UCHAR *buffer = calloc(1, needed);
  ck_assert_ptr_nonnull(buffer);
  ck_status(NtQueryObject(0, 3, AT(buffer), needed, AT(&needed)), STATUS_SUCCESS);
  ULONG types = *(ULONG *)(void *)buffer;
  UCHAR *at = buffer + 8;
  int found = -1;
  for (ULONG i = 0; i < types; i++) {
    UNICODE_STRING64 name;
    ULONG objects;
    memcpy(&name, at, sizeof name);
    memcpy(&objects, at + sizeof name, sizeof objects);
    ck_assert_uint_eq(name.Buffer, AT(at + 0x68));
    ck_assert_uint_eq(name.MaximumLength, name.Length + 2u);
    bool same = strlen(wanted) * 2 == name.Length;
    for (size_t c = 0; same && wanted[c]; c++)
      same = at[0x68 + c * 2] == (UCHAR)wanted[c];
    if (same)
      found = (int)objects;
    at += (0x68u + name.MaximumLength + 7) & ~7u;
  }
  ck_assert_ptr_eq(at, buffer + needed);
  free(buffer);
  return found;
}

START_TEST(types_information_counts_objects_of_each_type)
{
  ck_assert_int_eq(count_in_types("Mutant"), 0);
  HANDLE handle;
  ck_status(NtCreateMutant(AT(&handle), MUTANT_ALL_ACCESS, 0, FALSE), STATUS_SUCCESS);
  ck_assert_int_eq(count_in_types("Mutant"), 1);
  ck_assert_int_eq(count_in_types("Nonsense"), -1);
}
END_TEST

START_TEST(type_information_names_the_type)
{
  union {
    UNICODE_STRING64 name;
    ULONG words[64];
  } information;
  ULONG needed;
  HANDLE handle = event(NotificationEvent, FALSE);
  ck_status(NtQueryObject(handle, 2, AT(&information), 0x60, AT(&needed)), STATUS_INFO_LENGTH_MISMATCH);
  ck_assert_uint_eq(needed, 0x78);
  ck_status(NtQueryObject(handle, 2, AT(&information), sizeof information, AT(&needed)), STATUS_SUCCESS);
  ck_assert_uint_eq(information.name.Length, 10);
  ck_assert_uint_eq(information.words[4], 1);
  ck_assert_uint_eq(information.words[0x54 / 4], EVENT_ALL_ACCESS);
  ck_status(NtQueryObject(handle, 5, AT(&information), sizeof information, 0), STATUS_INVALID_INFO_CLASS);
}
END_TEST

START_TEST(name_information_tells_the_path)
{
  struct named n;
  struct {
    UNICODE_STRING64 name;
    WCHAR text[64];
  } information;
  ULONG needed;
  HANDLE handle;
  ck_status(NtCreateEvent(AT(&handle), EVENT_ALL_ACCESS, named(&n, "\\BaseNamedObjects\\e", 0, 0), 0, FALSE),
            STATUS_SUCCESS);
  ck_status(NtQueryObject(handle, 1, AT(&information), 16, AT(&needed)), STATUS_INFO_LENGTH_MISMATCH);
  ck_assert_uint_eq(needed, 16u + 40);
  ck_status(NtQueryObject(handle, 1, AT(&information), sizeof information, AT(&needed)), STATUS_SUCCESS);
  ck_assert_uint_eq(information.name.Length, 38);
  ck_assert_uint_eq(information.name.Buffer, AT(information.text));
  ck_assert_mem_eq(information.text, n.text, 40);
  ck_status(NtQueryObject(event(NotificationEvent, FALSE), 1, AT(&information), sizeof information, AT(&needed)),
            STATUS_SUCCESS);
  ck_assert_uint_eq(needed, 16);
  ck_assert_uint_eq(information.name.Length, 0);
}
END_TEST

START_TEST(completions_come_out_in_order)
{
  HANDLE handle;
  ULONG64 key, context;
  IO_STATUS_BLOCK64 block;
  LONG64 now = 0;
  LONG depth;
  ck_status(NtCreateIoCompletion(AT(&handle), 0x1F0003, 0, 0), STATUS_SUCCESS);
  ck_status(NtRemoveIoCompletion(handle, AT(&key), AT(&context), AT(&block), AT(&now)), STATUS_TIMEOUT);
  for (ULONG i = 1; i <= 3; i++)
    ck_status(NtSetIoCompletion(handle, i, i * 10, STATUS_END_OF_FILE, i * 100), STATUS_SUCCESS);
  ck_status(NtQueryIoCompletion(handle, 0, AT(&depth), 4, 0), STATUS_SUCCESS);
  ck_assert_int_eq(depth, 3);
  for (ULONG i = 1; i <= 2; i++) {
    ck_status(NtRemoveIoCompletion(handle, AT(&key), AT(&context), AT(&block), 0), STATUS_SUCCESS);
    ck_assert_uint_eq(key, i);
    ck_assert_uint_eq(context, i * 10);
    ck_status(block.Status, STATUS_END_OF_FILE);
    ck_assert_uint_eq(block.Information, i * 100);
  }
  ULONG64 packets[8];
  ULONG removed;
  ck_status(NtRemoveIoCompletionEx(handle, AT(packets), 2, AT(&removed), AT(&now), FALSE), STATUS_SUCCESS);
  ck_assert_uint_eq(removed, 1);
  ck_assert_uint_eq(packets[0], 3);
  ck_status(NtRemoveIoCompletionEx(handle, AT(packets), 2, AT(&removed), AT(&now), FALSE), STATUS_TIMEOUT);
  ck_status(NtClose(handle), STATUS_SUCCESS);
}
END_TEST

START_TEST(symbolic_links_tell_their_target)
{
  struct named n, target, out;
  HANDLE handle;
  ULONG needed;
  named(&target, "\\BaseNamedObjects", 0, 0);
  ck_status(NtCreateSymbolicLinkObject(AT(&handle), GENERIC_ALL, named(&n, "\\here", 0, 0), AT(&target.string)),
            STATUS_SUCCESS);
  named(&out, "", 0, 0);
  ck_status(NtQuerySymbolicLinkObject(handle, AT(&out.string), AT(&needed)), STATUS_BUFFER_TOO_SMALL);
  ck_assert_uint_eq(needed, target.string.MaximumLength);
  out.string.MaximumLength = sizeof out.text;
  ck_status(NtQuerySymbolicLinkObject(handle, AT(&out.string), AT(&needed)), STATUS_SUCCESS);
  ck_assert_uint_eq(out.string.Length, target.string.Length);
  ck_assert_mem_eq(out.text, target.text, target.string.MaximumLength);
  HANDLE inside, same;
  ck_status(NtCreateEvent(AT(&inside), EVENT_ALL_ACCESS, named(&n, "\\here\\e", 0, 0), 0, FALSE), STATUS_SUCCESS);
  ck_status(NtOpenEvent(AT(&same), EVENT_ALL_ACCESS, named(&n, "\\BaseNamedObjects\\e", 0, 0)), STATUS_SUCCESS);
  ck_status(NtCompareObjects(inside, same), STATUS_SUCCESS);
}
END_TEST

TCase *service_tests(void)
{
  TCase *tests = tcase_create("services");
  tcase_add_checked_fixture(tests, setup, machine_teardown);
  tcase_add_test(tests, an_event_is_created_opened_set_and_queried);
  tcase_add_test(tests, object_attributes_are_checked);
  tcase_add_test(tests, a_mutant_counts_its_owner);
  tcase_add_test(tests, a_semaphore_keeps_its_limit);
  tcase_add_test(tests, a_timer_fires_when_due);
  tcase_add_test(tests, a_timers_apc_ends_an_alertable_wait_and_is_withdrawn_by_a_cancel);
  tcase_add_test(tests, a_multiple_wait_checks_its_arguments);
  tcase_add_test(tests, a_wait_needs_synchronize_and_a_dispatcher_object);
  tcase_add_test(tests, signal_and_wait_signals_first);
  tcase_add_test(tests, keyed_events_meet_by_key);
  tcase_add_test(tests, closing_a_bad_handle_only_returns_a_status_without_a_debugger);
  tcase_add_test(tests, handle_flags_are_queried_as_set);
  tcase_add_test(tests, duplicates_have_the_asked_access_and_attributes);
  tcase_add_test(tests, types_information_counts_objects_of_each_type);
  tcase_add_test(tests, type_information_names_the_type);
  tcase_add_test(tests, name_information_tells_the_path);
  tcase_add_test(tests, completions_come_out_in_order);
  tcase_add_test(tests, symbolic_links_tell_their_target);
  return tests;
}
