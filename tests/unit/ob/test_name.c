/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"
#include "ntos/ob/ob_bodies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME "\\BaseNamedObjects\\Ready"

static NTSTATUS name_event(const char *name, ULONG attributes, HANDLE *handle)
{
  return ObInsertObject(fixture_event(), name, attributes, EVENT_ALL_ACCESS, handle);
}

static NTSTATUS open_event(const char *name)
{
  HANDLE handle;
  return ObOpenObjectByName(name, ob_types()->Event, 0, EVENT_ALL_ACCESS, &handle);
}

START_TEST(a_name_vanishes_with_the_last_handle)
{
  HANDLE first, second;
  void *object;
  ck_status(name_event(NAME, 0, &first), STATUS_SUCCESS);
  ck_status(ObOpenObjectByName(NAME, ob_types()->Event, 0, EVENT_QUERY_STATE, &second), STATUS_SUCCESS);
  ck_status(ObReferenceObjectByHandle(second, 0, NULL, UserMode, &object, NULL), STATUS_SUCCESS);
  ck_assert_str_eq(ob_object_name(object), NAME);
  ck_status(ObCloseHandle(first, UserMode), STATUS_SUCCESS);
  ck_status(open_event(NAME), STATUS_SUCCESS);
  ck_status(ObCloseHandle(first, UserMode), STATUS_SUCCESS);
  ck_status(ObCloseHandle(second, UserMode), STATUS_SUCCESS);
  /* A reference does not keep the name. */
  ck_status(open_event(NAME), STATUS_OBJECT_NAME_NOT_FOUND);
  ObDereferenceObject(object);
  ck_assert_uint_eq(ob_types()->Event->TotalNumberOfObjects, 0);
}
END_TEST

START_TEST(a_second_creation_collides_or_opens_the_first)
{
  HANDLE first, second;
  void *a, *b;
  ck_status(name_event(NAME, 0, &first), STATUS_SUCCESS);
  ck_status(name_event(NAME, 0, &second), STATUS_OBJECT_NAME_COLLISION);
  ck_assert_uint_eq(second, 0);
  ck_status(name_event(NAME, OBJ_OPENIF, &second), STATUS_OBJECT_NAME_EXISTS);
  ck_assert_uint_ne(first, second);
  ck_status(ObReferenceObjectByHandle(first, 0, NULL, UserMode, &a, NULL), STATUS_SUCCESS);
  ck_status(ObReferenceObjectByHandle(second, 0, NULL, UserMode, &b, NULL), STATUS_SUCCESS);
  ck_assert_ptr_eq(a, b);
  ck_assert_uint_eq(ob_types()->Event->TotalNumberOfObjects, 1);
}
END_TEST

START_TEST(an_existing_name_of_another_type_is_a_mismatch_only_with_openif)
{
  HANDLE handle;
  void *mutant;
  ck_status(name_event(NAME, 0, &handle), STATUS_SUCCESS);
  for (int openif = 0; openif < 2; openif++) {
    ck_status(ObCreateObject(ob_types()->Mutant, sizeof(KMUTANT), &mutant), STATUS_SUCCESS);
    KeInitializeMutant(mutant, TRUE);
    ck_status(ObInsertObject(mutant, NAME, openif ? OBJ_OPENIF : 0, MUTANT_ALL_ACCESS, &handle),
              openif ? STATUS_OBJECT_TYPE_MISMATCH : STATUS_OBJECT_NAME_COLLISION);
    ck_assert(IsListEmpty(&KeGetCurrentThread()->MutantListHead));
  }
  ck_status(ObOpenObjectByName(NAME, ob_types()->Mutant, 0, MUTANT_ALL_ACCESS, &handle), STATUS_OBJECT_TYPE_MISMATCH);
}
END_TEST

START_TEST(names_ignore_case_and_keep_it)
{
  HANDLE handle;
  void *object;
  ck_status(name_event("\\basenamedobjects\\Gr\xC3\xBC\xC3\x9F-\xD0\xB6", 0, &handle), STATUS_SUCCESS);
  ck_status(open_event("\\BaseNamedObjects\\gR\xC3\x9C\xC3\x9F-\xD0\x96"), STATUS_SUCCESS);
  ck_status(open_event("\\BaseNamedObjects\\gR\xC3\x9C\xC3\x9E-\xD0\x96"), STATUS_OBJECT_NAME_NOT_FOUND);
  ck_status(ObReferenceObjectByHandle(handle, 0, NULL, UserMode, &object, NULL), STATUS_SUCCESS);
  ck_assert_str_eq(ob_object_name(object), "\\basenamedobjects\\Gr\xC3\xBC\xC3\x9F-\xD0\xB6");
}
END_TEST

START_TEST(bad_paths_have_their_statuses)
{
  static const struct {
    const char *path;
    NTSTATUS status;
  } cases[] = {
      {"", STATUS_OBJECT_PATH_SYNTAX_BAD},
      {"BaseNamedObjects\\x", STATUS_OBJECT_PATH_SYNTAX_BAD},
      {"\\BaseNamedObjects\\", STATUS_OBJECT_NAME_INVALID},
      {"\\\\x", STATUS_OBJECT_NAME_INVALID},
      {"\\BaseNamedObjects\\\\x", STATUS_OBJECT_NAME_INVALID},
      {"\\BaseNamedObjects\\x", STATUS_OBJECT_NAME_NOT_FOUND},
      {"\\NoSuchDirectory\\x", STATUS_OBJECT_PATH_NOT_FOUND},
      {"\\BaseNamedObjects\\Ready\\x", STATUS_OBJECT_TYPE_MISMATCH},
      {"\\KnownDlls\\ntdll.dll", STATUS_OBJECT_NAME_NOT_FOUND},
      {"\\", STATUS_OBJECT_TYPE_MISMATCH},
      {"\\KernelObjects", STATUS_OBJECT_TYPE_MISMATCH},
  };
  HANDLE handle;
  ck_status(name_event(NAME, 0, &handle), STATUS_SUCCESS);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    ck_status(open_event(cases[i].path), cases[i].status);
  ck_status(name_event("\\NoSuchDirectory\\x", 0, &handle), STATUS_OBJECT_PATH_NOT_FOUND);
  ck_assert_uint_eq(ob_types()->Event->TotalNumberOfObjects, 1);
}
END_TEST

START_TEST(an_absurdly_long_name_is_refused)
{
  size_t size = 0x40000;
  char *name = malloc(size + 1);
  ck_assert_ptr_nonnull(name);
  memset(name, 'a', size);
  name[0] = '\\';
  name[size] = 0;
  ck_status(open_event(name), STATUS_OBJECT_NAME_INVALID);
  name[0x1FFF0] = 0;
  ck_status(open_event(name), STATUS_OBJECT_NAME_NOT_FOUND);
  free(name);
}
END_TEST

START_TEST(standing_directories_and_links_exist)
{
  static const char *const paths[] = {"\\",
                                      "\\BaseNamedObjects",
                                      "\\Sessions\\1\\BaseNamedObjects",
                                      "\\KnownDlls",
                                      "\\KernelObjects",
                                      "\\BaseNamedObjects\\Local",
                                      "\\DosDevices",
                                      "\\?\?"};
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    void *object;
    ck_status(ObReferenceObjectByName(paths[i], ob_types()->Directory, &object), STATUS_SUCCESS);
    ObDereferenceObject(object);
  }
}
END_TEST

START_TEST(symbolic_links_lead_to_the_object)
{
  HANDLE handle;
  void *object;
  ck_status(name_event("\\Sessions\\1\\BaseNamedObjects\\Global\\x", 0, &handle), STATUS_SUCCESS);
  ck_status(open_event("\\BaseNamedObjects\\Local\\X"), STATUS_SUCCESS);
  ck_status(ObReferenceObjectByHandle(handle, 0, NULL, UserMode, &object, NULL), STATUS_SUCCESS);
  ck_assert_str_eq(ob_object_name(object), "\\BaseNamedObjects\\x");
}
END_TEST

START_TEST(a_link_itself_is_opened_by_its_type)
{
  HANDLE handle;
  ck_status(ObOpenObjectByName("\\DosDevices", ob_types()->SymbolicLink, 0, GENERIC_READ, &handle), STATUS_SUCCESS);
  ck_status(ObOpenObjectByName("\\KernelObjects", ob_types()->SymbolicLink, 0, GENERIC_READ, &handle),
            STATUS_OBJECT_TYPE_MISMATCH);
}
END_TEST

START_TEST(links_that_lead_to_themselves_end)
{
  HANDLE handle;
  void *link;
  ck_status(ob_create_symbolic_link("\\Loop\\again", &link), STATUS_SUCCESS);
  ck_status(ObInsertObject(link, "\\Loop", 0, GENERIC_READ, &handle), STATUS_SUCCESS);
  ck_status(open_event("\\Loop\\x"), STATUS_OBJECT_PATH_NOT_FOUND);
  ck_status(open_event("\\Loop"), STATUS_OBJECT_PATH_NOT_FOUND);
}
END_TEST

START_TEST(names_below_a_directory_that_is_gone_are_gone)
{
  HANDLE directory, inside;
  void *object;
  ck_status(ob_create_directory(&object), STATUS_SUCCESS);
  ck_status(ObInsertObject(object, "\\Mine", 0, GENERIC_ALL, &directory), STATUS_SUCCESS);
  ck_status(name_event("\\Mine\\x", 0, &inside), STATUS_SUCCESS);
  ck_status(open_event("\\Mine\\x"), STATUS_SUCCESS);
  ck_status(ObCloseHandle(directory, UserMode), STATUS_SUCCESS);
  ck_status(open_event("\\Mine\\x"), STATUS_OBJECT_PATH_NOT_FOUND);
  ck_status(ob_create_directory(&object), STATUS_SUCCESS);
  ck_status(ObInsertObject(object, "\\Mine", 0, GENERIC_ALL, &directory), STATUS_SUCCESS);
  ck_status(open_event("\\Mine\\x"), STATUS_OBJECT_NAME_NOT_FOUND);
}
END_TEST

START_TEST(a_permanent_object_keeps_its_name_until_made_temporary)
{
  HANDLE handle;
  void *object;
  ck_status(name_event(NAME, OBJ_PERMANENT, &handle), STATUS_SUCCESS);
  ck_status(ObCloseHandle(handle, UserMode), STATUS_SUCCESS);
  ck_status(ObReferenceObjectByName(NAME, ob_types()->Event, &object), STATUS_SUCCESS);
  ObMakeTemporaryObject(object);
  ObDereferenceObject(object);
  ck_status(open_event(NAME), STATUS_OBJECT_NAME_NOT_FOUND);
  ck_assert_uint_eq(ob_types()->Event->TotalNumberOfObjects, 0);
}
END_TEST

START_TEST(a_name_that_gets_no_handle_is_taken_back)
{
  HANDLE handle;
  for (ULONG i = 0; i < FIXTURE_MAX_HANDLES; i++)
    ck_status(name_event(NULL, 0, &handle), STATUS_SUCCESS);
  ck_status(name_event(NAME, 0, &handle), STATUS_INSUFFICIENT_RESOURCES);
  ck_status(ObCloseHandle(4, UserMode), STATUS_SUCCESS);
  ck_status(open_event(NAME), STATUS_OBJECT_NAME_NOT_FOUND);
}
END_TEST

START_TEST(running_out_of_pool_is_a_status)
{
  HANDLE handle;
  NTSTATUS status = STATUS_SUCCESS;
  char name[64];
  void *object;
  for (int i = 0; NT_SUCCESS(status) && i < 10000000; i++) {
    snprintf(name, sizeof name, "\\BaseNamedObjects\\%d", i);
    status = ObCreateObject(ob_types()->Event, 0x10000, &object);
    if (!NT_SUCCESS(status))
      break;
    status = ObInsertObject(object, name, 0, EVENT_ALL_ACCESS, &handle);
  }
  ck_status(status, STATUS_INSUFFICIENT_RESOURCES);
  ck_assert_int_eq(ke_ended(), KE_RUNNING);
  ck_status(ObCloseHandle(4, UserMode), STATUS_SUCCESS);
  ck_status(open_event("\\BaseNamedObjects\\0"), STATUS_OBJECT_NAME_NOT_FOUND);
  ck_status(open_event("\\BaseNamedObjects\\1"), STATUS_SUCCESS);
}
END_TEST

TCase *name_tests(void)
{
  TCase *tests = tcase_create("names");
  tcase_add_checked_fixture(tests, machine_setup, machine_teardown);
  tcase_add_test(tests, a_name_vanishes_with_the_last_handle);
  tcase_add_test(tests, a_second_creation_collides_or_opens_the_first);
  tcase_add_test(tests, an_existing_name_of_another_type_is_a_mismatch_only_with_openif);
  tcase_add_test(tests, names_ignore_case_and_keep_it);
  tcase_add_test(tests, bad_paths_have_their_statuses);
  tcase_add_test(tests, an_absurdly_long_name_is_refused);
  tcase_add_test(tests, standing_directories_and_links_exist);
  tcase_add_test(tests, symbolic_links_lead_to_the_object);
  tcase_add_test(tests, a_link_itself_is_opened_by_its_type);
  tcase_add_test(tests, links_that_lead_to_themselves_end);
  tcase_add_test(tests, names_below_a_directory_that_is_gone_are_gone);
  tcase_add_test(tests, a_permanent_object_keeps_its_name_until_made_temporary);
  tcase_add_test(tests, a_name_that_gets_no_handle_is_taken_back);
  tcase_add_test(tests, running_out_of_pool_is_a_status);
  return tests;
}
