/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model-specific registers around the system service entry (spec/1.4). */
#include "stage.h"

#include "ntos/trap/monitor.h"

static struct stage s;

static void setup(void) { stage_start(&s); }
static void teardown(void) { stage_end(&s); }

static ULONG64 value_of(ULONG msr)
{
  ULONG64 value = 0x6D6D;
  STAGE_INSIDE(&s, ck_assert_int_eq(ki_read_msr(msr, &value), STATUS_SUCCESS));
  return value;
}

static NTSTATUS write(ULONG msr, ULONG64 value)
{
  NTSTATUS status = -1;
  STAGE_INSIDE(&s, status = ki_write_msr(msr, value));
  return status;
}

START_TEST(the_service_entries)
{
  ULONG64 entry = 0;
  ck_assert_uint_eq(value_of(MSR_LSTAR), KI_SYSTEM_CALL_64);
  ck_assert_uint_eq(value_of(MSR_CSTAR), KI_SYSTEM_CALL_32);
  ck_assert_uint_eq(value_of(MSR_STAR), 0x0023001000000000ull);
  ck_assert_uint_eq(value_of(MSR_SFMASK), 0x4700);
  ck_assert_uint_eq(value_of(MSR_SYSENTER_EIP), KI_FAST_CALL_ENTRY);
  /* SCE, LME, LMA, NXE */
  ck_assert_uint_eq(value_of(MSR_EFER), 0xD01);
  /* the three entries are no gate's routine */
  for (unsigned v = 0; v < 256; v++) {
    STAGE_INSIDE(&s, entry = ki_handler_address(v));
    ck_assert(entry != KI_SYSTEM_CALL_64 && entry != KI_SYSTEM_CALL_32 && entry != KI_FAST_CALL_ENTRY);
  }
}
END_TEST

START_TEST(what_is_written_is_read)
{
  static const struct {
    ULONG msr;
    ULONG64 value;
  } writes[] = {
      {MSR_CSTAR, 0xFFFFF80012345678ull}, {MSR_CSTAR, 0x00007FFFFFFFFFFFull}, {MSR_SYSENTER_EIP, 0xFFFFF80087654321ull},
      {MSR_STAR, 0xFFFFFFFFFFFFFFFFull},  {MSR_SFMASK, 0xFFFFFFFF},           {MSR_SFMASK, 0},
  };
  for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++) {
    ck_assert_int_eq(write(writes[i].msr, writes[i].value), STATUS_SUCCESS);
    ck_assert_uint_eq(value_of(writes[i].msr), writes[i].value);
  }
  /* none of these is another */
  ck_assert_uint_eq(value_of(MSR_LSTAR), KI_SYSTEM_CALL_64);
  ck_assert_int_eq(stage_service(&s, "NtTestAlert", 0, 0, 0, 0), STATUS_SUCCESS);
}
END_TEST

/* #GP on a processor. */
START_TEST(what_the_processor_refuses)
{
  static const struct {
    ULONG msr;
    ULONG64 value;
  } writes[] = {
      {MSR_LSTAR, 0x0000800000000000ull},
      {MSR_CSTAR, 0xFFFF7FFFFFFFFFFFull},
      {MSR_SYSENTER_EIP, 1ull << 63},
      {MSR_SFMASK, 1ull << 32},
      {0x10, 0},
      {0xC0000103u, 0},
  };
  ULONG64 value = 1;
  for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++)
    ck_assert_int_eq(write(writes[i].msr, writes[i].value), STATUS_PRIVILEGED_INSTRUCTION);
  STAGE_INSIDE(&s, ck_assert_int_eq(ki_read_msr(0xC0000103u, &value), STATUS_PRIVILEGED_INSTRUCTION));
  ck_assert_uint_eq(value, 0);
  ck_assert_uint_eq(value_of(MSR_LSTAR), KI_SYSTEM_CALL_64);
}
END_TEST

/* What the simulator needs as it is. */
START_TEST(what_can_not_be_changed)
{
  static const ULONG msrs[] = {MSR_EFER, MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE};
  for (size_t i = 0; i < sizeof msrs / sizeof msrs[0]; i++) {
    const ULONG64 before = value_of(msrs[i]);
    ck_assert_int_eq(write(msrs[i], 0x1000), STATUS_NOT_SUPPORTED);
    ck_assert_uint_eq(value_of(msrs[i]), before);
  }
}
END_TEST

static ULONG64 fs_base, gs_base, kernel_gs_base;

static NTSTATUS read_bases(const ULONG64 *arguments)
{
  (void)arguments;
  ck_assert_int_eq(ki_read_msr(MSR_FS_BASE, &fs_base), STATUS_SUCCESS);
  ck_assert_int_eq(ki_read_msr(MSR_GS_BASE, &gs_base), STATUS_SUCCESS);
  ck_assert_int_eq(ki_read_msr(MSR_KERNEL_GS_BASE, &kernel_gs_base), STATUS_SUCCESS);
  return 0;
}

/* In the kernel swapgs has exchanged the two: user mode's base, the TEB, lies in KERNEL_GS_BASE. Host code has none. */
START_TEST(bases_in_a_service)
{
  ck_assert_int_eq(stage_in_service(&s, read_bases), 0);
  ck_assert_uint_eq(kernel_gs_base, stage_thread(&s)->Tcb.Teb);
  ck_assert_uint_eq(gs_base, 0);
  ck_assert_uint_eq(fs_base, 0);
  ck_assert_uint_eq(value_of(MSR_KERNEL_GS_BASE), 0);
}
END_TEST

TCase *msr_tests(void)
{
  TCase *tests = tcase_create("model-specific registers");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, the_service_entries);
  tcase_add_test(tests, what_is_written_is_read);
  tcase_add_test(tests, what_the_processor_refuses);
  tcase_add_test(tests, what_can_not_be_changed);
  tcase_add_test(tests, bases_in_a_service);
  return tests;
}
