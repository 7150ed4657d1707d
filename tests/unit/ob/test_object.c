/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"
#include "ntos/ob/ob_bodies.h"

START_TEST(the_last_reference_runs_the_delete_procedure_once)
{
  OBJECT_TYPE *type = fixture_counting_type();
  void *object;
  ck_status(ObCreateObject(type, 100, &object), STATUS_SUCCESS);
  ck_assert_uint_eq(type->TotalNumberOfObjects, 1);
  ObReferenceObject(object);
  ObDereferenceObject(object);
  ck_assert_uint_eq(fixture_deleted, 0);
  ObDereferenceObject(object);
  ck_assert_uint_eq(fixture_deleted, 1);
  ck_assert_uint_eq(type->TotalNumberOfObjects, 0);
  ck_assert_uint_eq(type->HighWaterNumberOfObjects, 1);
}
END_TEST

START_TEST(a_body_is_zeroed_and_aligned)
{
  void *object;
  ck_status(ObCreateObject(fixture_counting_type(), 256, &object), STATUS_SUCCESS);
  ck_assert_uint_eq((uintptr_t)object % 16, 0);
  for (int i = 0; i < 256; i++)
    ck_assert_int_eq(((unsigned char *)object)[i], 0);
}
END_TEST

START_TEST(objects_leave_nothing_in_the_pool)
{
  struct pool_stats before, after;
  HANDLE handle;
  ck_status(ObInsertObject(fixture_event(), NULL, 0, EVENT_ALL_ACCESS, &handle), STATUS_SUCCESS);
  ck_status(ObCloseHandle(handle, UserMode), STATUS_SUCCESS);
  ck_status(ObInsertObject(fixture_event(), "\\BaseNamedObjects\\warm", 0, EVENT_ALL_ACCESS, &handle), STATUS_SUCCESS);
  ck_status(ObCloseHandle(handle, UserMode), STATUS_SUCCESS);
  pool_query(fixture_pool, &before);
  for (int i = 0; i < 100; i++) {
    ck_status(ObInsertObject(fixture_event(), i & 1 ? "\\BaseNamedObjects\\x" : NULL, 0, EVENT_ALL_ACCESS, &handle),
              STATUS_SUCCESS);
    ck_status(ObCloseHandle(handle, UserMode), STATUS_SUCCESS);
  }
  pool_query(fixture_pool, &after);
  ck_assert_uint_eq(after.blocks_live, before.blocks_live);
  ck_assert_uint_eq(after.bytes_live, before.bytes_live);
}
END_TEST

/* A chain in which each object holds the only reference of the next. */
static unsigned chain_depth, chain_deepest, chain_deleted;
static void delete_link_of_chain(void *Object)
{
  void *next = *(void **)Object;
  if (++chain_depth > chain_deepest)
    chain_deepest = chain_depth;
  if (next)
    ObDereferenceObject(next);
  chain_depth--;
  chain_deleted++;
}

START_TEST(a_long_chain_is_deleted_without_recursion)
{
  enum { LENGTH = 100000 };
  OBJECT_TYPE *type = ObCreateObjectType(
      &(OBJECT_TYPE){.Name = "Chain", .dispatcher_offset = -1, .DeleteProcedure = delete_link_of_chain});
  void *head = NULL;
  for (int i = 0; i < LENGTH; i++) {
    void *object;
    ck_status(ObCreateObject(type, sizeof(void *), &object), STATUS_SUCCESS);
    *(void **)object = head;
    head = object;
  }
  chain_depth = chain_deepest = chain_deleted = 0;
  ObDereferenceObject(head);
  ck_assert_uint_eq(chain_deleted, LENGTH);
  ck_assert_uint_eq(chain_deepest, 1);
}
END_TEST

static BOOLEAN resurrected;
static void try_to_resurrect(void *Object) { resurrected = ObReferenceObjectSafe(Object); }

START_TEST(an_object_being_deleted_cannot_be_referenced_again)
{
  OBJECT_TYPE *type = ObCreateObjectType(
      &(OBJECT_TYPE){.Name = "Phoenix", .dispatcher_offset = -1, .DeleteProcedure = try_to_resurrect});
  void *object;
  ck_status(ObCreateObject(type, 8, &object), STATUS_SUCCESS);
  ck_assert(ObReferenceObjectSafe(object));
  ObDereferenceObject(object);
  resurrected = TRUE;
  ObDereferenceObject(object);
  ck_assert(!resurrected);
}
END_TEST

START_TEST(a_reference_count_below_zero_stops_the_machine_and_not_the_host)
{
  void *object;
  ck_status(ObCreateObject(fixture_counting_type(), 8, &object), STATUS_SUCCESS);
  ob_header(object)->PointerCount = 0;
  ck_assert_int_eq(ke_ended(), KE_RUNNING);
  ObDereferenceObject(object);
  ck_assert_int_eq(ke_ended(), KE_INTERNAL_ERROR);
  ck_assert_uint_eq(fixture_deleted, 0);
}
END_TEST

START_TEST(an_owned_mutant_leaves_its_owners_list_when_deleted)
{
  void *object;
  KTHREAD *thread = KeGetCurrentThread();
  ck_status(ObCreateObject(ob_types()->Mutant, sizeof(KMUTANT), &object), STATUS_SUCCESS);
  KeInitializeMutant(object, TRUE);
  ck_assert(!IsListEmpty(&thread->MutantListHead));
  ObDereferenceObject(object);
  ck_assert(IsListEmpty(&thread->MutantListHead));
}
END_TEST

START_TEST(a_timer_is_cancelled_and_forgets_its_thread_when_deleted)
{
  void *object;
  ETHREAD *thread = PsGetCurrentThread();
  LONG64 references = ob_header(thread)->PointerCount;
  LONG64 far = -10000000;
  ck_status(ObCreateObject(ob_types()->Timer, sizeof(ETIMER), &object), STATUS_SUCCESS);
  ETIMER *timer = object;
  KeInitializeTimerEx(&timer->KeTimer, NotificationTimer);
  ObReferenceObject(thread);
  timer->apc_thread = thread;
  KeSetTimerEx(&timer->KeTimer, far, 0);
  ObDereferenceObject(timer);
  ck_assert_int_eq(ob_header(thread)->PointerCount, references);
  /* Were it still in the heap, the time of its freed memory would fire. */
  ck_status(KeDelayExecutionThread(UserMode, FALSE, &(LONG64){-20000000}), STATUS_SUCCESS);
}
END_TEST

static void find_type(void *context, OBJECT_TYPE *type)
{
  OBJECT_TYPE **last = context;
  if (*last)
    ck_assert_uint_eq(type->Index, (*last)->Index + 1);
  *last = type;
}

START_TEST(types_are_indexed_in_order_of_creation_from_2)
{
  OBJECT_TYPE *last = NULL;
  ck_assert_uint_eq(ob_types()->Type->Index, 2);
  ck_assert_uint_eq(ob_types()->Directory->Index, 3);
  ob_for_each_type(find_type, &last);
  ck_assert_uint_eq(ob_types()->Type->TotalNumberOfObjects, last->Index - 1);
}
END_TEST

START_TEST(generic_rights_map_to_the_types_own)
{
  OBJECT_TYPE *event = ob_types()->Event;
  ck_assert_uint_eq(ob_map_access(event, GENERIC_READ), READ_CONTROL | EVENT_QUERY_STATE);
  ck_assert_uint_eq(ob_map_access(event, GENERIC_WRITE), READ_CONTROL | EVENT_MODIFY_STATE);
  ck_assert_uint_eq(ob_map_access(event, GENERIC_EXECUTE), READ_CONTROL | SYNCHRONIZE);
  ck_assert_uint_eq(ob_map_access(event, GENERIC_ALL), EVENT_ALL_ACCESS);
  ck_assert_uint_eq(ob_map_access(event, MAXIMUM_ALLOWED), EVENT_ALL_ACCESS);
  ck_assert_uint_eq(ob_map_access(event, 0xFFFF), EVENT_QUERY_STATE | EVENT_MODIFY_STATE);
}
END_TEST

START_TEST(only_dispatcher_types_are_waitable)
{
  void *directory, *event = fixture_event();
  ck_status(ob_create_directory(&directory), STATUS_SUCCESS);
  ck_assert_ptr_eq(ob_dispatcher(event), event);
  ck_assert_ptr_null(ob_dispatcher(directory));
}
END_TEST

TCase *object_tests(void)
{
  TCase *tests = tcase_create("objects");
  tcase_add_checked_fixture(tests, machine_setup, machine_teardown);
  tcase_add_test(tests, the_last_reference_runs_the_delete_procedure_once);
  tcase_add_test(tests, a_body_is_zeroed_and_aligned);
  tcase_add_test(tests, objects_leave_nothing_in_the_pool);
  tcase_add_test(tests, a_long_chain_is_deleted_without_recursion);
  tcase_add_test(tests, an_object_being_deleted_cannot_be_referenced_again);
  tcase_add_test(tests, a_reference_count_below_zero_stops_the_machine_and_not_the_host);
  tcase_add_test(tests, an_owned_mutant_leaves_its_owners_list_when_deleted);
  tcase_add_test(tests, a_timer_is_cancelled_and_forgets_its_thread_when_deleted);
  tcase_add_test(tests, types_are_indexed_in_order_of_creation_from_2);
  tcase_add_test(tests, generic_rights_map_to_the_types_own);
  tcase_add_test(tests, only_dispatcher_types_are_waitable);
  return tests;
}
