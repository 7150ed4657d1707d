/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"

#include <stdlib.h>

static KPCR pcr;
pool *fixture_pool;
EPROCESS *fixture_process;
unsigned fixture_deleted;
struct fixture_close fixture_closes[64];
unsigned fixture_close_count;

void machine_setup(void)
{
  static const struct ke_config config = {.max_threads = 4};
  void *object;
  pcr = (KPCR){.pool = fixture_pool = pool_create(64u << 20)};
  ck_assert_ptr_nonnull(pcr.pool);
  ki_current_pcr = &pcr;
  ck_assert(KeInitSystem(&config));
  ck_assert(ObInitSystem(FIXTURE_MAX_HANDLES));
  ob_types()->Process = ObCreateObjectType(
      &(OBJECT_TYPE){.Name = "Process", .ValidAccessMask = PROCESS_ALL_ACCESS, .dispatcher_offset = 0});
  ob_types()->Thread = ObCreateObjectType(
      &(OBJECT_TYPE){.Name = "Thread", .ValidAccessMask = THREAD_ALL_ACCESS, .dispatcher_offset = 0});
  fixture_process = fixture_new_process(NULL);
  ck_status(ObCreateObject(ob_types()->Thread, sizeof(ETHREAD), &object), STATUS_SUCCESS);
  ke_init_host_thread(object, &fixture_process->Pcb);
  pcr.CurrentThread = object;
  fixture_deleted = fixture_close_count = 0;
}

void machine_teardown(void)
{
  KeShutdownSystem();
  pool_destroy(fixture_pool);
  ki_current_pcr = NULL;
}

EPROCESS *fixture_new_process(EPROCESS *parent)
{
  void *object;
  ck_status(ObCreateObject(ob_types()->Process, sizeof(EPROCESS), &object), STATUS_SUCCESS);
  EPROCESS *process = object;
  InitializeListHead(&process->Pcb.ThreadListHead);
  ck_status(ObInitProcess(parent, process), STATUS_SUCCESS);
  return process;
}

static void count_delete(void *Object)
{
  (void)Object;
  fixture_deleted++;
}

static void count_close(EPROCESS *Process, void *Object, ACCESS_MASK GrantedAccess, ULONG ProcessHandleCount,
                        ULONG SystemHandleCount)
{
  (void)Process, (void)GrantedAccess, (void)ProcessHandleCount;
  ck_assert_uint_lt(fixture_close_count, sizeof fixture_closes / sizeof fixture_closes[0]);
  fixture_closes[fixture_close_count++] = (struct fixture_close){Object, SystemHandleCount};
}

OBJECT_TYPE *fixture_counting_type(void)
{
  OBJECT_TYPE *type = ObCreateObjectType(&(OBJECT_TYPE){.Name = "Counting",
                                                        .PoolTag = POOL_TAG('C', 'o', 'u', 'n'),
                                                        .GenericMapping = {1, 2, 4, 0x1F0007},
                                                        .ValidAccessMask = 0x1F0007,
                                                        .dispatcher_offset = -1,
                                                        .DeleteProcedure = count_delete,
                                                        .CloseProcedure = count_close});
  ck_assert_ptr_nonnull(type);
  return type;
}

void *fixture_event(void)
{
  void *object;
  ck_status(ObCreateObject(ob_types()->Event, sizeof(KEVENT), &object), STATUS_SUCCESS);
  KeInitializeEvent(object, NotificationEvent, FALSE);
  return object;
}

int main(void)
{
  Suite *suite = suite_create("ob");
  suite_add_tcase(suite, object_tests());
  suite_add_tcase(suite, handle_tests());
  suite_add_tcase(suite, name_tests());
  suite_add_tcase(suite, service_tests());
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
