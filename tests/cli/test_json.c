/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/json.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static char *written;
static size_t written_size;
static struct json json;

static void begin(void)
{
  free(written);
  written = NULL;
  FILE *out = open_memstream(&written, &written_size);
  ck_assert_ptr_nonnull(out);
  json_begin(&json, out);
}

static const char *end(void)
{
  json_end(&json);
  fclose(json.out);
  return written;
}

static const char *text(const char *value)
{
  begin();
  json_text(&json, "t", value);
  return end();
}

START_TEST(members)
{
  const uint64_t numbers[] = {0, UINT64_MAX};
  const char *const texts[] = {"a", "b c", NULL};
  begin();
  json_number(&json, "n", UINT64_MAX);
  json_signed(&json, "s", -5);
  json_hex(&json, "h", 0x7FFE0000);
  json_bool(&json, "b", true);
  json_hex_array(&json, "hs", numbers, 2);
  json_text_array(&json, "ts", texts);
  ck_assert_str_eq(end(), "{\"n\":18446744073709551615,\"s\":-5,\"h\":\"0x7ffe0000\",\"b\":true,"
                          "\"hs\":[\"0x0\",\"0xffffffffffffffff\"],\"ts\":[\"a\",\"b c\"]}\n");
  begin();
  ck_assert_str_eq(end(), "{}\n");
}
END_TEST

START_TEST(escapes)
{
  ck_assert_str_eq(text("a\"b\\c\n\x01\x7F"), "{\"t\":\"a\\\"b\\\\c\\n\\u0001\\u007f\"}\n");
}
END_TEST

START_TEST(utf8_passes_and_the_rest_is_replaced)
{
  ck_assert_str_eq(text("\xC3\xBC\xE2\x82\xAC\xF0\x9F\x90\x9B"), "{\"t\":\"\xC3\xBC\xE2\x82\xAC\xF0\x9F\x90\x9B\"}\n");
  ck_assert_str_eq(text("a\xFF"
                        "b"),
                   "{\"t\":\"a\\ufffdb\"}\n");
  ck_assert_str_eq(text("\xC0\x80"), "{\"t\":\"\\ufffd\\ufffd\"}\n");
  ck_assert_str_eq(text("\xED\xA0\x80"), "{\"t\":\"\\ufffd\\ufffd\\ufffd\"}\n");
  ck_assert_str_eq(text("\xE2\x82"), "{\"t\":\"\\ufffd\\ufffd\"}\n");
  ck_assert_str_eq(text("\xF4\x90\x80\x80"), "{\"t\":\"\\ufffd\\ufffd\\ufffd\\ufffd\"}\n");
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("json");
  TCase *tcase = tcase_create("writer");
  tcase_add_test(tcase, members);
  tcase_add_test(tcase, escapes);
  tcase_add_test(tcase, utf8_passes_and_the_rest_is_replaced);
  suite_add_tcase(suite, tcase);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  free(written);
  return failed != 0;
}
