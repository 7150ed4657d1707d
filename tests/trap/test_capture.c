/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a service monitor reads at the arguments of a call (spec/1.4), at its limits. How it is shown is tested in
 * tests/strace. */
#include "stage.h"

#include "ntos/trap/monitor.h"

#include <string.h>

#define SELF ((ULONG64)-1)
#define NAME (STAGE_DATA + 0x1000)
#define NAME_BYTES 0x300u
#define STRING (STAGE_DATA + 0x40)
#define BUFFER (STAGE_DATA + 0x80)
#define IO_STATUS (STAGE_DATA + 0xC0)

static struct stage s;
static struct capture captured;
static struct service_description made_up;
static const struct service_description *description;
static ULONG64 arguments[DBGKSIM_SERVICE_ARGUMENTS];
static NTSTATUS status;

static void setup(void)
{
  const OBJECT_ATTRIBUTES64 attributes = {.Length = sizeof attributes, .ObjectName = STRING};
  const UNICODE_STRING64 string = {NAME_BYTES, NAME_BYTES, 0, NAME};
  const IO_STATUS_BLOCK64 io_status = {0};
  stage_start(&s);
  stage_write(&s, STAGE_DATA, &attributes, sizeof attributes);
  stage_write(&s, STRING, &string, sizeof string);
  stage_write(&s, IO_STATUS, &io_status, sizeof io_status);
  memset(&captured, 0, sizeof captured);
  memset(&made_up, 0, sizeof made_up);
  memset(arguments, 0, sizeof arguments);
  made_up.name = "NtMadeUp";
  description = &made_up;
  status = STATUS_SUCCESS;
}

static void teardown(void) { stage_end(&s); }

static NTSTATUS entry(const ULONG64 *unused)
{
  (void)unused;
  service_capture_entry(&captured, description, arguments);
  return 0;
}

static NTSTATUS end(const ULONG64 *unused)
{
  (void)unused;
  service_capture_end(&captured, description, arguments, status);
  return 0;
}

/* All arguments of one kind. */
static void all_are(enum service_argument_kind kind, ULONG64 value)
{
  for (unsigned i = 0; i < DBGKSIM_SERVICE_ARGUMENTS; i++) {
    made_up.arguments[i] = (struct service_argument){"Argument", (UCHAR)kind, 0};
    arguments[i] = value;
  }
}

/* The n-th item; NULL behind the last. */
static const struct capture_item *item(unsigned n)
{
  ULONG at = 0;
  while (n-- && at < captured.used)
    at += (ULONG)sizeof(struct capture_item) +
          ((((const struct capture_item *)(const void *)(captured.bytes + at))->size + 7) & ~7u);
  ck_assert_uint_le(at, captured.used);
  return at < captured.used ? (const void *)(captured.bytes + at) : NULL;
}

/* Names that together are longer than there is room: what fits is whole, the rest is left out. */
START_TEST(names_beyond_the_limit)
{
  unsigned texts = 0, structures = 0;
  all_are(ARGUMENT_OBJECT_ATTRIBUTES, STAGE_DATA);
  stage_in_service(&s, entry);
  ck_assert_uint_le(captured.used, CAPTURE_LIMIT);
  for (unsigned i = 0; item(i); i++) {
    const struct capture_item *it = item(i);
    ck_assert(!it->leaving);
    if (it->content == CAPTURE_TEXT) {
      texts++;
      ck_assert_uint_eq(it->size, 0x200);
      ck_assert(it->cut);
    } else {
      structures++;
      ck_assert_uint_eq(it->size, sizeof(OBJECT_ATTRIBUTES64));
    }
  }
  /* five names of 528 bytes and their structures, then only structures as long as there is room for one */
  ck_assert_uint_eq(texts, 5);
  ck_assert_uint_gt(structures, texts);
  ck_assert_uint_gt(captured.used + sizeof(struct capture_item) + sizeof(OBJECT_ATTRIBUTES64), CAPTURE_LIMIT);
}
END_TEST

/* Handles of one event: what they stand for is told as long as there is room. */
START_TEST(handles_beyond_the_limit)
{
  unsigned handles = 0;
  ck_assert_int_eq(stage_service(&s, "NtCreateEvent", BUFFER, 0x1F0003, 0, 0), STATUS_SUCCESS);
  ULONG64 handle = 0;
  stage_read(&s, BUFFER, &handle, sizeof handle);
  all_are(ARGUMENT_HANDLE, handle);
  captured.used = CAPTURE_LIMIT - 64;
  const ULONG before = captured.used;
  stage_in_service(&s, entry);
  ck_assert_uint_le(captured.used, CAPTURE_LIMIT);
  for (ULONG at = before; at < captured.used; handles++) {
    const struct capture_item *it = (const void *)(captured.bytes + at);
    ck_assert_uint_eq(it->content, CAPTURE_HANDLE);
    ck_assert_mem_eq(it + 1, "Event", 5);
    at += (ULONG)sizeof *it + ((it->size + 7) & ~7u);
  }
  ck_assert_uint_ge(handles, 1);
  ck_assert_uint_lt(handles, DBGKSIM_SERVICE_ARGUMENTS);
}
END_TEST

/* A handle that nobody wanted: DUPLICATE_CLOSE_SOURCE alone leaves none. */
START_TEST(a_service_that_leaves_no_handle)
{
  static const ULONG64 addresses[] = {0, 0x1000};
  made_up.arguments[0] = (struct service_argument){"Handle", ARGUMENT_OUT_HANDLE, 0};
  for (size_t i = 0; i < 2; i++) {
    arguments[0] = addresses[i];
    stage_in_service(&s, end);
    ck_assert_uint_eq(captured.used, 0);
  }
}
END_TEST

/* The bytes that were moved: what IoStatusBlock says, but never more than the buffer has. */
START_TEST(bytes_that_were_moved)
{
  static const struct {
    ULONG64 moved, io_status;
    ULONG size;
  } cases[] = {{3, IO_STATUS, 3}, {16, IO_STATUS, 16}, {0xFFFFFFFFFF, IO_STATUS, 16}, {3, 0x1000, 16}};
  made_up.arguments[0] = (struct service_argument){"Buffer", ARGUMENT_OUT_BYTES, 1};
  made_up.arguments[1] = (struct service_argument){"Length", ARGUMENT_NUMBER, 0};
  made_up.arguments[2] = (struct service_argument){"IoStatusBlock", ARGUMENT_IO_STATUS, 0};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    stage_write(&s, IO_STATUS + 8, &cases[i].moved, 8);
    arguments[0] = BUFFER;
    arguments[1] = 0xABCD00000010; /* a ULONG: its upper half is anything */
    arguments[2] = cases[i].io_status;
    captured.used = 0;
    stage_in_service(&s, end);
    ck_assert_ptr_nonnull(item(0));
    ck_assert_uint_eq(item(0)->size, cases[i].size);
    ck_assert(item(0)->leaving);
  }
}
END_TEST

/* Classes whose answer begins with a UNICODE_STRING. */
START_TEST(answers_that_are_strings)
{
  static const struct {
    const char *service;
    unsigned class_at, buffer_at, length_at;
    ULONG class;
    bool string;
  } cases[] = {
      {"NtQueryInformationProcess", 1, 2, 3, 27, true},
      {"NtQueryInformationProcess", 1, 2, 3, 43, true},
      {"NtQueryInformationProcess", 1, 2, 3, 60, true},
      {"NtQueryInformationProcess", 1, 2, 3, 7, false},
      {"NtQueryInformationThread", 1, 2, 3, 38, true},
      {"NtQueryInformationThread", 1, 2, 3, 0, false},
      {"NtQueryObject", 1, 2, 3, 1, true},
      {"NtQueryObject", 1, 2, 3, 2, false},
      {"NtQueryVirtualMemory", 2, 3, 4, 2, true},
      {"NtQueryVirtualMemory", 2, 3, 4, 0, false},
      {"NtQuerySystemInformation", 0, 1, 2, 1, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    description = service_describe(cases[i].service);
    ck_assert_ptr_nonnull(description);
    memset(arguments, 0, sizeof arguments);
    arguments[0] = SELF;
    arguments[cases[i].buffer_at] = STRING;
    arguments[cases[i].length_at] = 16;
    arguments[cases[i].class_at] = cases[i].class;
    captured.used = 0;
    stage_in_service(&s, end);
    ck_assert_ptr_nonnull(item(0));
    ck_assert_uint_eq(item(0)->content, CAPTURE_MEMORY);
    const struct capture_item *text = item(1);
    ck_assert_msg((text != NULL) == cases[i].string, "%s, class %u", cases[i].service, cases[i].class);
    if (text)
      ck_assert_uint_eq(text->content, CAPTURE_TEXT);
  }
}
END_TEST

/* What failed, and what waits for its end, has written nothing. */
START_TEST(services_that_have_written_nothing)
{
  static const struct {
    NTSTATUS status;
    bool written;
  } cases[] = {{STATUS_SUCCESS, true},
               {STATUS_PENDING, false},
               {STATUS_TIMEOUT, true},
               {NT_STATUS_VALUE(0x80000005), true},
               {STATUS_ACCESS_VIOLATION, false}};
  made_up.arguments[0] = (struct service_argument){"Out", ARGUMENT_OUT_LARGE, 0};
  arguments[0] = BUFFER;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    status = cases[i].status;
    captured.used = 0;
    stage_in_service(&s, end);
    ck_assert_msg((item(0) != NULL) == cases[i].written, "status %08x", (unsigned)status);
  }
}
END_TEST

TCase *capture_tests(void)
{
  TCase *tests = tcase_create("capture");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, names_beyond_the_limit);
  tcase_add_test(tests, handles_beyond_the_limit);
  tcase_add_test(tests, a_service_that_leaves_no_handle);
  tcase_add_test(tests, bytes_that_were_moved);
  tcase_add_test(tests, answers_that_are_strings);
  tcase_add_test(tests, services_that_have_written_nothing);
  return tests;
}
