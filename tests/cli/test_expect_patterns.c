/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/expect.h"

#include <check.h>
#include <string.h>

static struct expect_pattern parse(const char *text)
{
  struct expect_pattern pattern;
  const char *wrong = expect_parse(text, &pattern);
  ck_assert_msg(!wrong, "%s: %s", text, wrong);
  return pattern;
}

static bool refused(const char *text)
{
  struct expect_pattern pattern;
  return expect_parse(text, &pattern) != NULL;
}

static const struct dbgksim_event breakpoint = {
    .code = DBGKSIM_EXCEPTION, .first_chance = true, .exception = {.ExceptionCode = STATUS_BREAKPOINT}};
static const struct dbgksim_event load = {.code = DBGKSIM_LOAD_DLL};
static const struct dbgksim_event exit42 = {.code = DBGKSIM_EXIT_PROCESS, .exit_code = 42};
static const struct dbgksim_event crash = {.code = DBGKSIM_EXIT_PROCESS, .exit_code = 0xC0000005};
static const struct dbgksim_event string = {.code = DBGKSIM_OUTPUT_DEBUG_STRING};

static bool matches(const char *pattern_text, const struct dbgksim_event *event, const char *detail)
{
  struct expect_pattern pattern = parse(pattern_text);
  struct expect_actual actual = {.event = event, .process = 1, .thread = 2};
  strncpy(actual.module, detail, sizeof actual.module - 1);
  strncpy(actual.place, detail, sizeof actual.place - 1);
  strncpy(actual.text, detail, sizeof actual.text - 1);
  return expect_matches(&pattern, &actual);
}

START_TEST(exception_fields)
{
  ck_assert(matches("EXCEPTION", &breakpoint, ""));
  ck_assert(matches("EXCEPTION 80000003 first", &breakpoint, ""));
  ck_assert(matches("EXCEPTION 0x80000003", &breakpoint, ""));
  ck_assert(matches("EXCEPTION STATUS_BREAKPOINT t2 p1", &breakpoint, ""));
  ck_assert(!matches("EXCEPTION 80000004", &breakpoint, ""));
  ck_assert(!matches("EXCEPTION 80000003 second", &breakpoint, ""));
  ck_assert(!matches("EXCEPTION t1", &breakpoint, ""));
  ck_assert(!matches("EXCEPTION p0", &breakpoint, ""));
  ck_assert(!matches("LOAD_DLL", &breakpoint, ""));
}
END_TEST

START_TEST(places)
{
  ck_assert(matches("EXCEPTION at ntdll", &breakpoint, "ntdll!DbgBreakPoint+0x1"));
  ck_assert(matches("EXCEPTION at ntdll!DbgBreakPoint", &breakpoint, "ntdll!DbgBreakPoint+0x1"));
  ck_assert(matches("EXCEPTION at ntdll!DbgBreakPoint+0x1 first", &breakpoint, "ntdll!DbgBreakPoint+0x1"));
  ck_assert(!matches("EXCEPTION at ntdll!DbgBreak", &breakpoint, "ntdll!DbgBreakPoint+0x1"));
  ck_assert(!matches("EXCEPTION at kernel32", &breakpoint, "ntdll!DbgBreakPoint+0x1"));
  ck_assert(refused("EXCEPTION at"));
}
END_TEST

START_TEST(module_names)
{
  ck_assert(matches("LOAD_DLL ntdll.dll", &load, "ntdll.dll"));
  ck_assert(matches("LOAD_DLL NTDLL", &load, "ntdll.dll"));
  ck_assert(matches("LOAD_DLL", &load, "ntdll.dll"));
  ck_assert(!matches("LOAD_DLL ntd", &load, "ntdll.dll"));
  ck_assert(!matches("LOAD_DLL ntdll.dll.dll", &load, "ntdll.dll"));
}
END_TEST

START_TEST(exit_codes)
{
  ck_assert(matches("EXIT_PROCESS 42", &exit42, ""));
  ck_assert(matches("EXIT_PROCESS 0x2A", &exit42, ""));
  ck_assert(!matches("EXIT_PROCESS 0x42", &exit42, ""));
  ck_assert(matches("EXIT_PROCESS 0xC0000005", &crash, ""));
  ck_assert(matches("EXIT_PROCESS STATUS_ACCESS_VIOLATION", &crash, ""));
  ck_assert(matches("EXIT_PROCESS -1073741819", &crash, ""));
}
END_TEST

START_TEST(debug_strings)
{
  ck_assert(matches("OUTPUT_DEBUG_STRING hello, debugger", &string, "hello, debugger"));
  ck_assert(matches("OUTPUT_DEBUG_STRING t2 \" two \"", &string, " two "));
  ck_assert(matches("OUTPUT_DEBUG_STRING", &string, "anything"));
  ck_assert(!matches("OUTPUT_DEBUG_STRING hello", &string, "hello, debugger"));
}
END_TEST

START_TEST(answers)
{
  ck_assert_int_eq(parse("EXCEPTION C0000005").answer, EXPECT_DEFAULT);
  ck_assert_int_eq(parse("EXCEPTION C0000005 -> continue").answer, EXPECT_CONTINUE);
  ck_assert_int_eq(parse("EXCEPTION -> not handled").answer, EXPECT_NOT_HANDLED);
  ck_assert_int_eq(parse("EXIT_PROCESS 1 -> stop").answer, EXPECT_STOP);
  ck_assert_int_eq(parse("OUTPUT_DEBUG_STRING x -> later").answer, EXPECT_LATER);
  ck_assert(parse("*").any_events);
  ck_assert(refused("EXCEPTION -> perhaps"));
}
END_TEST

START_TEST(faults_are_refused)
{
  ck_assert(refused(""));
  ck_assert(refused("LOADED_DLL ntdll.dll"));
  ck_assert(refused("EXCEPTION frist"));
  ck_assert(refused("EXIT_THREAD forty"));
  ck_assert(refused("EXIT_PROCESS STATUS_NO_SUCH_NAME"));
  ck_assert(refused("CREATE_THREAD fast"));
  ck_assert(refused("* t1"));
  char far_too_long[2000];
  memset(far_too_long, 'A', sizeof far_too_long - 1);
  far_too_long[sizeof far_too_long - 1] = 0;
  ck_assert(refused(far_too_long));
}
END_TEST

/* A described event is a pattern that matches it: reports can be pasted into tests. */
START_TEST(descriptions_are_patterns)
{
  const struct dbgksim_event *events[] = {&breakpoint, &load, &exit42, &crash, &string};
  for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
    struct expect_actual actual = {
        .event = events[i], .process = 1, .thread = 2, .module = "a.dll", .place = "a!b+0x1", .text = "x y"};
    char text[512];
    expect_describe(&actual, text, sizeof text);
    struct expect_pattern pattern = parse(text);
    ck_assert_msg(expect_matches(&pattern, &actual), "%s", text);
  }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("expect patterns");
  TCase *tcase = tcase_create("patterns");
  tcase_add_test(tcase, exception_fields);
  tcase_add_test(tcase, places);
  tcase_add_test(tcase, module_names);
  tcase_add_test(tcase, exit_codes);
  tcase_add_test(tcase, debug_strings);
  tcase_add_test(tcase, answers);
  tcase_add_test(tcase, faults_are_refused);
  tcase_add_test(tcase, descriptions_are_patterns);
  suite_add_tcase(suite, tcase);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
