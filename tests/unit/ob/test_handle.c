/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"

static HANDLE new_handle(ULONG attributes, ACCESS_MASK access)
{
  HANDLE handle;
  ck_status(ObInsertObject(fixture_event(), NULL, attributes, access, &handle), STATUS_SUCCESS);
  return handle;
}

START_TEST(handles_are_multiples_of_4_from_4)
{
  for (HANDLE expected = 4; expected <= 40; expected += 4)
    ck_assert_uint_eq(new_handle(0, EVENT_ALL_ACCESS), expected);
  ck_assert_uint_eq(ob_handle_count(fixture_process), 10);
}
END_TEST

START_TEST(the_value_freed_last_is_given_out_first)
{
  for (int i = 0; i < 10; i++)
    new_handle(0, EVENT_ALL_ACCESS);
  ck_status(ObCloseHandle(8, UserMode), STATUS_SUCCESS);
  ck_status(ObCloseHandle(32, UserMode), STATUS_SUCCESS);
  ck_status(ObCloseHandle(16, UserMode), STATUS_SUCCESS);
  ck_assert_uint_eq(new_handle(0, EVENT_ALL_ACCESS), 16);
  ck_assert_uint_eq(new_handle(0, EVENT_ALL_ACCESS), 32);
  ck_assert_uint_eq(new_handle(0, EVENT_ALL_ACCESS), 8);
  ck_assert_uint_eq(new_handle(0, EVENT_ALL_ACCESS), 44);
}
END_TEST

START_TEST(a_process_has_no_more_handles_than_its_limit)
{
  HANDLE handle;
  for (ULONG i = 0; i < FIXTURE_MAX_HANDLES; i++)
    ck_assert_uint_ne(new_handle(0, EVENT_ALL_ACCESS) % 0x400, 0);
  ck_status(ObInsertObject(fixture_event(), NULL, 0, EVENT_ALL_ACCESS, &handle), STATUS_INSUFFICIENT_RESOURCES);
  ck_assert_uint_eq(handle, 0);
  ck_assert_uint_eq(ob_types()->Event->TotalNumberOfObjects, FIXTURE_MAX_HANDLES);
  ck_status(ObCloseHandle(4, UserMode), STATUS_SUCCESS);
  ck_assert_uint_eq(new_handle(0, EVENT_ALL_ACCESS), 4);
}
END_TEST

START_TEST(values_that_are_no_handles_are_refused)
{
  static const HANDLE bad[] = {0, 8, 0x1000, 0x7FFFFFFC, 0x100000004, (HANDLE)-4, (HANDLE)-8, 0x8000000000000004};
  void *object;
  new_handle(0, EVENT_ALL_ACCESS);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    ck_status(ObReferenceObjectByHandle(bad[i], 0, NULL, UserMode, &object, NULL), STATUS_INVALID_HANDLE);
    ck_assert_ptr_null(object);
    ck_status(ObCloseHandle(bad[i], UserMode), STATUS_INVALID_HANDLE);
  }
  ck_status(ObCloseHandle(NtCurrentProcess(), UserMode), STATUS_INVALID_HANDLE);
  ck_status(ObCloseHandle(4, UserMode), STATUS_SUCCESS);
  ck_status(ObCloseHandle(4, UserMode), STATUS_INVALID_HANDLE);
}
END_TEST

START_TEST(the_two_low_bits_of_a_handle_are_the_callers)
{
  void *object;
  HANDLE handle = new_handle(0, EVENT_ALL_ACCESS);
  ck_status(ObReferenceObjectByHandle(handle | 3, 0, NULL, UserMode, &object, NULL), STATUS_SUCCESS);
  ck_status(ObCloseHandle(handle | 1, UserMode), STATUS_SUCCESS);
}
END_TEST

START_TEST(pseudo_handles_are_the_process_and_the_thread_with_all_access)
{
  void *object;
  ACCESS_MASK granted;
  EPROCESS *other = fixture_new_process(NULL);
  ck_status(
      ObReferenceObjectByHandle(NtCurrentProcess(), PROCESS_VM_WRITE, ob_types()->Process, UserMode, &object, &granted),
      STATUS_SUCCESS);
  ck_assert_ptr_eq(object, fixture_process);
  ck_assert_uint_eq(granted, PROCESS_ALL_ACCESS);
  ck_status(ObReferenceObjectByHandle(NtCurrentThread(), 0, NULL, UserMode, &object, NULL), STATUS_SUCCESS);
  ck_assert_ptr_eq(object, PsGetCurrentThread());
  ck_status(ObReferenceObjectByHandle(NtCurrentThread(), 0, ob_types()->Process, UserMode, &object, NULL),
            STATUS_OBJECT_TYPE_MISMATCH);
  ck_status(ob_reference_in(other, NtCurrentProcess(), 0, NULL, UserMode, &object, NULL, NULL), STATUS_SUCCESS);
  ck_assert_ptr_eq(object, other);
}
END_TEST

START_TEST(access_is_checked_for_user_mode_only)
{
  void *object;
  HANDLE handle = new_handle(0, EVENT_QUERY_STATE);
  ck_status(ObReferenceObjectByHandle(handle, EVENT_MODIFY_STATE, ob_types()->Event, UserMode, &object, NULL),
            STATUS_ACCESS_DENIED);
  ck_assert_ptr_null(object);
  ck_status(ObReferenceObjectByHandle(handle, EVENT_MODIFY_STATE, ob_types()->Event, KernelMode, &object, NULL),
            STATUS_SUCCESS);
  ck_status(ObReferenceObjectByHandle(handle, EVENT_QUERY_STATE, ob_types()->Event, UserMode, &object, NULL),
            STATUS_SUCCESS);
}
END_TEST

START_TEST(a_wrong_type_is_told_before_missing_access)
{
  void *object;
  HANDLE handle = new_handle(0, EVENT_QUERY_STATE);
  ck_status(ObReferenceObjectByHandle(handle, 0x1F0003, ob_types()->Mutant, UserMode, &object, NULL),
            STATUS_OBJECT_TYPE_MISMATCH);
}
END_TEST

START_TEST(a_protected_handle_is_closed_by_the_kernel_only)
{
  ULONG attributes = OBJ_PROTECT_CLOSE, seen;
  HANDLE handle = new_handle(OBJ_INHERIT, EVENT_ALL_ACCESS);
  ck_status(ob_handle_attributes(handle, &seen, false), STATUS_SUCCESS);
  ck_assert_uint_eq(seen, OBJ_INHERIT);
  ck_status(ob_handle_attributes(handle, &attributes, true), STATUS_SUCCESS);
  ck_status(ob_handle_attributes(handle, &seen, false), STATUS_SUCCESS);
  ck_assert_uint_eq(seen, OBJ_PROTECT_CLOSE);
  ck_status(ObCloseHandle(handle, UserMode), STATUS_HANDLE_NOT_CLOSABLE);
  ck_status(ObCloseHandle(handle, KernelMode), STATUS_SUCCESS);
}
END_TEST

START_TEST(close_procedures_see_the_count_before_the_close)
{
  void *object;
  HANDLE first, second;
  EPROCESS *other = fixture_new_process(NULL);
  ck_status(ObCreateObject(fixture_counting_type(), 8, &object), STATUS_SUCCESS);
  ck_status(ObOpenObjectByPointer(object, 0, GENERIC_ALL, NULL, &first), STATUS_SUCCESS);
  ck_status(ob_open_in(other, object, 0, GENERIC_READ, &second), STATUS_SUCCESS);
  ObDereferenceObject(object);
  ck_status(ObCloseHandle(first, UserMode), STATUS_SUCCESS);
  ck_assert_uint_eq(fixture_deleted, 0);
  ck_status(ob_close_in(other, second, UserMode), STATUS_SUCCESS);
  ck_assert_uint_eq(fixture_close_count, 2);
  ck_assert_uint_eq(fixture_closes[0].system_count, 2);
  ck_assert_uint_eq(fixture_closes[1].system_count, 1);
  ck_assert_uint_eq(fixture_deleted, 1);
}
END_TEST

START_TEST(opening_by_pointer_checks_the_type)
{
  HANDLE handle;
  void *event = fixture_event();
  ck_status(ObOpenObjectByPointer(event, 0, GENERIC_ALL, ob_types()->Mutant, &handle), STATUS_OBJECT_TYPE_MISMATCH);
  ck_assert_int_eq(ob_header(event)->PointerCount, 1);
  ck_assert_int_eq(ob_header(event)->HandleCount, 0);
}
END_TEST

START_TEST(an_ended_process_closes_its_handles_in_ascending_order)
{
  OBJECT_TYPE *type = fixture_counting_type();
  void *objects[5];
  HANDLE handle;
  ULONG protect = OBJ_PROTECT_CLOSE;
  for (int i = 0; i < 5; i++) {
    ck_status(ObCreateObject(type, 8, &objects[i]), STATUS_SUCCESS);
    ck_status(ObInsertObject(objects[i], NULL, 0, GENERIC_ALL, &handle), STATUS_SUCCESS);
  }
  ck_status(ob_handle_attributes(8, &protect, true), STATUS_SUCCESS);
  ObKillProcess(fixture_process);
  ck_assert_uint_eq(fixture_close_count, 5);
  for (int i = 0; i < 5; i++)
    ck_assert_ptr_eq(fixture_closes[i].object, objects[i]);
  ck_assert_ptr_null(fixture_process->ObjectTable);
  ck_assert_uint_eq(ob_handle_count(fixture_process), 0);
  void *event = fixture_event();
  ck_status(ob_open_in(fixture_process, event, 0, GENERIC_ALL, &handle), STATUS_PROCESS_IS_TERMINATING);
  ck_assert_int_eq(ob_header(event)->PointerCount, 1);
  ck_status(ObReferenceObjectByHandle(4, 0, NULL, UserMode, &objects[0], NULL), STATUS_INVALID_HANDLE);
}
END_TEST

static NTSTATUS status_in_close;
static void open_while_closing(EPROCESS *Process, void *Object, ACCESS_MASK GrantedAccess, ULONG ProcessHandleCount,
                               ULONG SystemHandleCount)
{
  HANDLE handle;
  (void)GrantedAccess, (void)ProcessHandleCount, (void)SystemHandleCount;
  status_in_close = ob_open_in(Process, Object, 0, GENERIC_ALL, &handle);
}

START_TEST(a_process_that_closes_its_handles_gets_no_new_ones)
{
  OBJECT_TYPE *type = ObCreateObjectType(
      &(OBJECT_TYPE){.Name = "Stubborn", .dispatcher_offset = -1, .CloseProcedure = open_while_closing});
  void *object;
  HANDLE handle;
  ck_status(ObCreateObject(type, 8, &object), STATUS_SUCCESS);
  ck_status(ObInsertObject(object, NULL, 0, GENERIC_ALL, &handle), STATUS_SUCCESS);
  ObKillProcess(fixture_process);
  ck_status(status_in_close, STATUS_PROCESS_IS_TERMINATING);
  ck_assert_uint_eq(type->TotalNumberOfObjects, 0);
}
END_TEST

START_TEST(a_child_inherits_marked_handles_at_the_same_values)
{
  void *object, *mine;
  ACCESS_MASK granted;
  ULONG attributes;
  HANDLE handle;
  for (int i = 0; i < 6; i++)
    new_handle(i % 3 == 1 ? OBJ_INHERIT : 0, i == 1 ? EVENT_QUERY_STATE : EVENT_ALL_ACCESS);
  EPROCESS *child = fixture_new_process(fixture_process);
  ck_assert_uint_eq(ob_handle_count(child), 2);
  ck_status(ob_reference_in(child, 8, 0, NULL, UserMode, &object, &granted, &attributes), STATUS_SUCCESS);
  ck_status(ObReferenceObjectByHandle(8, 0, NULL, UserMode, &mine, NULL), STATUS_SUCCESS);
  ck_assert_ptr_eq(object, mine);
  ck_assert_uint_eq(granted, EVENT_QUERY_STATE);
  ck_assert_uint_eq(attributes, OBJ_INHERIT);
  ck_assert_int_eq(ob_header(object)->HandleCount, 2);
  ck_status(ob_reference_in(child, 4, 0, NULL, UserMode, &object, NULL, NULL), STATUS_INVALID_HANDLE);
  static const HANDLE next[] = {4, 12, 16, 24, 28};
  for (int i = 0; i < 5; i++) {
    ck_status(ob_open_in(child, fixture_process, 0, 0, &handle), STATUS_SUCCESS);
    ck_assert_uint_eq(handle, next[i]);
  }
}
END_TEST

START_TEST(a_handle_past_a_page_of_the_table_is_inherited_too)
{
  HANDLE handle = 0;
  void *object;
  for (int i = 0; i < 700; i++)
    handle = new_handle(i == 699 ? OBJ_INHERIT : 0, EVENT_ALL_ACCESS);
  EPROCESS *child = fixture_new_process(fixture_process);
  ck_status(ob_reference_in(child, handle, 0, NULL, UserMode, &object, NULL, NULL), STATUS_SUCCESS);
  for (int i = 0; i < 699; i++) {
    ck_status(ob_open_in(child, object, 0, 0, &handle), STATUS_SUCCESS);
    ck_assert_uint_ne(handle % 0x400, 0);
  }
}
END_TEST

START_TEST(types_count_their_handles)
{
  OBJECT_TYPE *event = ob_types()->Event;
  HANDLE first = new_handle(0, 0);
  new_handle(0, 0);
  ck_assert_uint_eq(event->TotalNumberOfHandles, 2);
  ck_status(ObCloseHandle(first, UserMode), STATUS_SUCCESS);
  ck_assert_uint_eq(event->TotalNumberOfHandles, 1);
  ck_assert_uint_eq(event->HighWaterNumberOfHandles, 2);
}
END_TEST

TCase *handle_tests(void)
{
  TCase *tests = tcase_create("handles");
  tcase_add_checked_fixture(tests, machine_setup, machine_teardown);
  tcase_add_test(tests, handles_are_multiples_of_4_from_4);
  tcase_add_test(tests, the_value_freed_last_is_given_out_first);
  tcase_add_test(tests, a_process_has_no_more_handles_than_its_limit);
  tcase_add_test(tests, values_that_are_no_handles_are_refused);
  tcase_add_test(tests, the_two_low_bits_of_a_handle_are_the_callers);
  tcase_add_test(tests, pseudo_handles_are_the_process_and_the_thread_with_all_access);
  tcase_add_test(tests, access_is_checked_for_user_mode_only);
  tcase_add_test(tests, a_wrong_type_is_told_before_missing_access);
  tcase_add_test(tests, a_protected_handle_is_closed_by_the_kernel_only);
  tcase_add_test(tests, close_procedures_see_the_count_before_the_close);
  tcase_add_test(tests, opening_by_pointer_checks_the_type);
  tcase_add_test(tests, an_ended_process_closes_its_handles_in_ascending_order);
  tcase_add_test(tests, a_process_that_closes_its_handles_gets_no_new_ones);
  tcase_add_test(tests, a_child_inherits_marked_handles_at_the_same_values);
  tcase_add_test(tests, a_handle_past_a_page_of_the_table_is_inherited_too);
  tcase_add_test(tests, types_count_their_handles);
  return tests;
}
