/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Against the DLLs of an installed Wine userland (its folder is the argument): all of them are images, and ntdll's
 * stubs have the service numbers of spec 5.99. */
#include "loader/loader.h"
#include "test_file.h"

#include <check.h>
#include <dirent.h>
#include <string.h>

#define SERVICES 235 /* spec 7.2 */

static const char *folder;
static uint8_t *image;
static uint8_t *ntdll;
static size_t ntdll_size;
static struct pe_headers headers;

static void setup(void)
{
  char path[4096];
  snprintf(path, sizeof(path), "%s/ntdll.dll", folder);
  ntdll = test_read_file(path, &ntdll_size);
  ck_assert_ptr_nonnull(ntdll);
  ck_assert_int_eq(pe_check(ntdll, ntdll_size, &headers, NULL), STATUS_SUCCESS);
  image = calloc(1, headers.size_of_image);
  pe_layout(ntdll, ntdll_size, &headers, image);
}

static void teardown(void)
{
  free(image);
  free(ntdll);
}

static int32_t service(const char *name)
{
  uint32_t rva = pe_export_rva(image, headers.size_of_image, &headers, name);
  ck_assert_msg(rva != 0, "ntdll does not export %s", name);
  return pe_service_number(image, headers.size_of_image, rva);
}

START_TEST(fact_5_99_service_numbers_of_debugging)
{
  ck_assert_int_eq(service("NtCreateDebugObject"), 0x1A);
  ck_assert_int_eq(service("NtDebugActiveProcess"), 0x30);
  ck_assert_int_eq(service("NtDebugContinue"), 0x31);
  ck_assert_int_eq(service("NtWaitForDebugEvent"), 0xDC);
  ck_assert_int_eq(service("NtRemoveProcessDebug"), 0xA5);
  ck_assert_int_eq(service("NtSetInformationDebugObject"), 0xB7);
  ck_assert_int_eq(service("NtRaiseException"), 0x9A);
  ck_assert_int_eq(service("NtContinue"), 0x19);
}
END_TEST

START_TEST(service_numbers_of_other_services)
{
  ck_assert_int_eq(service("NtAcceptConnectPort"), 0);
  ck_assert_int_eq(service("NtCancelIoFileEx"), 0x11);
  ck_assert_int_eq(service("NtCreateLowBoxToken"), 0x23);
  ck_assert_int_eq(service("NtDeleteKey"), 0x35);
  ck_assert_int_eq(service("NtGetCurrentProcessorNumber"), 0x47);
  ck_assert_int_eq(service("NtNotifyChangeDirectoryFile"), 0x59);
  ck_assert_int_eq(service("NtOpenSemaphore"), 0x6B);
  ck_assert_int_eq(service("NtQueryInformationAtom"), 0x7D);
  ck_assert_int_eq(service("NtQuerySystemEnvironmentValue"), 0x8F);
  ck_assert_int_eq(service("NtReleaseMutant"), 0xA1);
  ck_assert_int_eq(service("NtSetDefaultLocale"), 0xB3);
  ck_assert_int_eq(service("NtSetSystemTime"), 0xC5);
  ck_assert_int_eq(service("NtUnlockFile"), 0xD7);
}
END_TEST

START_TEST(what_is_no_service_has_no_number)
{
  ck_assert_int_eq(service("RtlAllocateHeap"), -1);
  ck_assert_int_eq(service("LdrInitializeThunk"), -1);
}
END_TEST

static void note_service(void *context, const char *name, uint32_t rva)
{
  const char **names = context;
  int32_t number = pe_service_number(image, headers.size_of_image, rva);
  if (number < 0)
    return;
  ck_assert_int_lt(number, SERVICES);
  /* ZwX and a few RtlX are other names of a stub. */
  if (strncmp(name, "Zw", 2) != 0 && strncmp(name, "Rtl", 3) != 0) {
    ck_assert_msg(names[number] == NULL, "%s and %s have one number", names[number], name);
    names[number] = name;
  }
}

START_TEST(stubs_are_235_in_alphabetical_order)
{
  const char *names[SERVICES] = {NULL};
  pe_for_each_export(image, headers.size_of_image, &headers, note_service, names);
  for (unsigned i = 0; i < SERVICES; i++) {
    ck_assert_msg(names[i] != NULL, "no stub has number %x", i);
    ck_assert_msg(i == 0 || strcmp(names[i - 1], names[i]) < 0, "%s before %s", names[i - 1], names[i]);
  }
}
END_TEST

START_TEST(win32u_stubs_start_at_1000)
{
  char path[4096];
  snprintf(path, sizeof(path), "%s/win32u.dll", folder);
  size_t size;
  uint8_t *file = test_read_file(path, &size);
  ck_assert_ptr_nonnull(file);
  struct pe_headers h;
  ck_assert_int_eq(pe_check(file, size, &h, NULL), STATUS_SUCCESS);
  uint8_t *win32u = calloc(1, h.size_of_image);
  pe_layout(file, size, &h, win32u);
  uint32_t rva = pe_export_rva(win32u, h.size_of_image, &h, "NtUserGetForegroundWindow");
  ck_assert_uint_ne(rva, 0);
  ck_assert_int_ge(pe_service_number(win32u, h.size_of_image, rva), 0x1000);
  free(win32u);
  free(file);
}
END_TEST

static void compare_export(void *context, const char *name, uint32_t rva)
{
  const struct pe_facts *facts = context;
  const struct pe_symbol *s = pe_facts_nearest(facts, rva);
  ck_assert_msg(s != NULL && s->rva == rva, "LIEF has no export at %s", name);
}

START_TEST(lief_agrees_on_the_exports_of_ntdll)
{
  const char *why = NULL;
  const struct pe_facts *facts = pe_facts_get(ntdll, ntdll_size, &why);
  ck_assert_msg(facts != NULL, "%s", why);
  ck_assert_uint_gt(facts->export_count, 1000);
  pe_for_each_export(image, headers.size_of_image, &headers, compare_export, (void *)(uintptr_t)facts);
}
END_TEST

START_TEST(every_file_of_the_userland_is_an_image)
{
  DIR *directory = opendir(folder);
  ck_assert_ptr_nonnull(directory);
  unsigned count = 0;
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    if (entry->d_name[0] == '.')
      continue;
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
    size_t size;
    uint8_t *file = test_read_file(path, &size);
    if (file == NULL)
      continue;
    struct pe_headers h;
    const char *why;
    ck_assert_msg(pe_check(file, size, &h, &why) == STATUS_SUCCESS, "%s: %s", entry->d_name, why);
    uint8_t *laid_out = calloc(1, h.size_of_image);
    pe_layout(file, size, &h, laid_out);
    ck_assert_msg(pe_relocate(laid_out, h.size_of_image, &h, 0x7FF612340000) == STATUS_SUCCESS, "%s", entry->d_name);
    free(laid_out);
    free(file);
    count++;
  }
  closedir(directory);
  ck_assert_uint_gt(count, 100);
}
END_TEST

int main(int argc, char **argv)
{
  if (argc != 2 || argv[1][0] == 0) {
    puts("skipped: Wine's DLLs are not installed (package libwine)");
    return 77;
  }
  folder = argv[1];
  Suite *suite = suite_create("loader wine");
  TCase *tc = tcase_create("wine");
  tcase_set_timeout(tc, 120);
  tcase_add_checked_fixture(tc, setup, teardown);
  tcase_add_test(tc, fact_5_99_service_numbers_of_debugging);
  tcase_add_test(tc, service_numbers_of_other_services);
  tcase_add_test(tc, what_is_no_service_has_no_number);
  tcase_add_test(tc, stubs_are_235_in_alphabetical_order);
  tcase_add_test(tc, win32u_stubs_start_at_1000);
  tcase_add_test(tc, lief_agrees_on_the_exports_of_ntdll);
  tcase_add_test(tc, every_file_of_the_userland_is_an_image);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
