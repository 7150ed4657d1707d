/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Vectors 16 and 17 as instructions raise them. */
#include "stage.h"

#define CODE_64 0x33

static struct stage s;

static void setup(void) { stage_start(&s); }
static void teardown(void) { stage_end(&s); }

/* fninit; push CONTROL; fldcw [rsp]; push NUMBER; CODE; fwait; int3 */
static void check_x87(USHORT control, unsigned number, const char *code, size_t size, NTSTATUS status, ULONG parameters)
{
  unsigned char bytes[48] = {0xDB, 0xE3, 0x68, (unsigned char)control, (unsigned char)(control >> 8), 0, 0, 0xD9,
                             0x2C, 0x24, 0x68};
  memcpy(bytes + 11, &number, sizeof number);
  memcpy(bytes + 15, code, size);
  bytes[15 + size] = 0x9B;
  const EXCEPTION_RECORD64 *r = stage_run(&s, bytes, 17 + size, CODE_64);
  stage_expect(r, status, STAGE_CODE + 15 + size, parameters);
}
#define CHECK_X87(control, number, code, status, parameters)                                                           \
  check_x87(control, number, code, sizeof(code) - 1, status, parameters)

#define LARGEST 0x7F7FFFFFu
#define SMALLEST 0x00800000u
#define DENORMAL 1u
#define THREE 0x40400000u

START_TEST(vector_16_of_each_exception)
{
  CHECK_X87(0x37E, 0, "\xD9\xEE\xD9\xEE\xDE\xF9", STATUS_FLOAT_INVALID_OPERATION, 1);            /* 0 / 0 */
  CHECK_X87(0x37B, 0, "\xD9\xE8\xD9\xEE\xDE\xF9", STATUS_FLOAT_DIVIDE_BY_ZERO, 1);               /* 1 / 0 */
  CHECK_X87(0x37D, DENORMAL, "\xD9\x04\x24", STATUS_FLOAT_DENORMAL_OPERAND, 1);                  /* fld */
  CHECK_X87(0x377, LARGEST, "\xD9\x04\x24\xDC\xC0\xD9\x1C\x24", STATUS_FLOAT_OVERFLOW, 1);       /* *2; fstp */
  CHECK_X87(0x36F, SMALLEST, "\xD9\x04\x24\xDA\x34\x24\xD9\x1C\x24", STATUS_FLOAT_UNDERFLOW, 1); /* fidiv; fstp */
  CHECK_X87(0x35F, THREE, "\xD9\xE8\xD8\x34\x24", STATUS_FLOAT_INEXACT_RESULT, 1);               /* 1 / 3 */
  CHECK_X87(0x37E, 0, "\xDD\xD8", STATUS_FLOAT_STACK_CHECK, 2);                                  /* fstp st0 */
}
END_TEST

START_TEST(vector_16_is_raised_again_until_it_is_cleared)
{
  /* fninit; push 37b; fldcw [rsp]; fld1; fldz; fdivp; fld1 */
  const EXCEPTION_RECORD64 *r =
      stage_run(&s, "\xDB\xE3\x68\x7B\x03\0\0\xD9\x2C\x24\xD9\xE8\xD9\xEE\xDE\xF9\xD9\xE8\xCC", 19, CODE_64);
  stage_expect(r, STATUS_FLOAT_DIVIDE_BY_ZERO, STAGE_CODE + 16, 1);
  stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_FLOAT_DIVIDE_BY_ZERO, STAGE_CODE + 16, 1);
  CONTEXT context = stage_context(&s);
  ck_assert_uint_eq(context.FltSave.StatusWord & 0xBF, 0x84);
  ck_assert_uint_eq(context.FltSave.ErrorOffset, (ULONG)STAGE_CODE + 14); /* the division */
  context.FltSave.StatusWord = 0;
  stage_set_context(&s, &context);
  stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_BREAKPOINT, STAGE_CODE + 18, 1);
}
END_TEST

START_TEST(vector_17_of_an_instruction)
{
  /* pushfq; or dword [rsp], 40000; popfq; nop; mov eax, [rsp + 1] */
  const EXCEPTION_RECORD64 *r = stage_run(&s, "\x9C\x81\x0C\x24\0\0\4\0\x9D\x90\x8B\x44\x24\x01\xCC", 15, CODE_64);
  stage_expect(r, STATUS_DATATYPE_MISALIGNMENT, STAGE_CODE + 10, 0);
  CONTEXT context = stage_context(&s);
  ck_assert_uint_eq(context.EFlags & EFLAGS_AC, EFLAGS_AC);
  ck_assert_uint_eq(stage_frame(&s)->ErrorCode, 0);
  /* What was misaligned is not any more. */
  context.Rsp -= 1;
  stage_set_context(&s, &context);
  stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_BREAKPOINT, STAGE_CODE + 14, 1);
}
END_TEST

TCase *vector_float_tests(void)
{
  TCase *tests = tcase_create("vectors 16 and 17 of instructions");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, vector_16_of_each_exception);
  tcase_add_test(tests, vector_16_is_raised_again_until_it_is_cleared);
  tcase_add_test(tests, vector_17_of_an_instruction);
  return tests;
}
