/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/utf.h"
#include "fixture.h"

#include <string.h>

START_TEST(names_compare_without_case_in_latin_greek_and_cyrillic)
{
  ck_assert_int_eq(io_compare_names("KERNEL32.dll", "kernel32.DLL"), 0);
  ck_assert_int_eq(io_compare_names("\xC3\xA4", "\xC3\x84"), 0); /* a with diaeresis */
  ck_assert_int_eq(io_compare_names("\xCE\xB1", "\xCE\x91"), 0); /* alpha */
  ck_assert_int_eq(io_compare_names("\xD1\x8F", "\xD0\xAF"), 0); /* ya */
  ck_assert_int_ne(io_compare_names("\xC3\xB7", "\xC3\x97"), 0); /* division, multiplication */
  ck_assert_int_lt(io_compare_names("a", "ab"), 0);
  ck_assert_int_gt(io_compare_names("b", "ab"), 0);
}
END_TEST

START_TEST(patterns_match_as_FsRtlIsNameInExpression)
{
  static const struct {
    const char *pattern, *name;
    bool matches;
  } cases[] = {
      {"*", "anything", true},     {"*.*", "nodot", true},       {"*.txt", "a.TXT", true},
      {"*.txt", "a.txt2", false},  {"a?c", "abc", true},         {"a?c", "ac", false},
      {"a*b*c", "aXbYc", true},    {"a*b*c", "aXbY", false},     {"", "a", false},
      {">>>.txt", "ab.txt", true}, {">>>.txt", "abcd.txt", false}, {"ab>>", "ab", true},
      {"foo\"", "foo", true},      {"foo\"txt", "foo.txt", true}, {"<.c", "a.b.c", true},
      {"<", "a.b", false},         {"<.b", "a.b", true},         {"***", "", true},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
    ck_assert_msg(io_name_matches(cases[i].pattern, cases[i].name) == cases[i].matches, "%s %s", cases[i].pattern,
                  cases[i].name);
}
END_TEST

START_TEST(a_hostile_pattern_costs_no_more_than_its_length)
{
  char pattern[512], name[256];
  memset(pattern, '*', sizeof(pattern));
  for (size_t i = 1; i < 250; i += 2)
    pattern[i] = 'a';
  pattern[250] = 'b';
  pattern[251] = 0;
  memset(name, 'a', sizeof(name));
  name[255] = 0;
  ck_assert(!io_name_matches(pattern, name));
  memset(pattern, 'a', sizeof(pattern));
  pattern[511] = 0;
  ck_assert(!io_name_matches(pattern, name));
}
END_TEST

START_TEST(utf8_and_utf16_convert_both_ways)
{
  static const char text[] = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80";
  static const WCHAR wide[] = {'a', 0xE4, 0x20AC, 0xD83D, 0xDE00};
  ULONG bytes = 0;
  WCHAR *out = io_utf16(text, &bytes);
  ck_assert_uint_eq(bytes, sizeof(wide));
  ck_assert_mem_eq(out, wide, sizeof(wide));
  char *back = io_utf8(wide, 5);
  ck_assert_str_eq(back, text);
  ExFreePool(out);
  ExFreePool(back);
  const char *malformed = "\xC0\x80\xFFx";
  ck_assert_uint_eq(utf8_next(&malformed), 0xFFFD);
  ck_assert_uint_eq(utf8_next(&malformed), 0xFFFD);
  ck_assert_uint_eq(utf8_next(&malformed), 0xFFFD);
  ck_assert_uint_eq(utf8_next(&malformed), 'x');
  ck_assert_uint_eq(utf8_next(&malformed), 0);
}
END_TEST

TCase *text_tests(void)
{
  TCase *tcase = tcase_create("text");
  tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
  tcase_add_test(tcase, names_compare_without_case_in_latin_greek_and_cyrillic);
  tcase_add_test(tcase, patterns_match_as_FsRtlIsNameInExpression);
  tcase_add_test(tcase, a_hostile_pattern_costs_no_more_than_its_length);
  tcase_add_test(tcase, utf8_and_utf16_convert_both_ways);
  return tcase;
}
