/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Privileged instructions in user mode (spec/5 fact 25). */
#include "nano.h"

PROBE(p_cli, "cli");
PROBE(p_sti, "sti");
PROBE(p_hlt, "hlt");
PROBE(p_read_cr0, "mov %cr0, %rax");
PROBE(p_write_cr0, "mov %rax, %cr0");
PROBE(p_read_cr3, "mov %cr3, %rax");
PROBE(p_read_dr0, "mov %dr0, %rax");
PROBE(p_write_dr7, "mov %rax, %dr7");
PROBE(p_rdmsr, "rdmsr");
PROBE(p_wrmsr, "wrmsr");
PROBE(p_swapgs, "swapgs");
PROBE(p_lgdt, "lgdt (%rcx)");
PROBE(p_lidt, "lidt (%rcx)");
PROBE(p_ltr, "ltr %ax");
PROBE(p_invd, "invd");
PROBE(p_wbinvd, "wbinvd");
PROBE(p_invlpg, "invlpg (%rcx)");
PROBE(p_clts, "clts");

static UCHAR scratch[16];

#define CHECK_PRIVILEGED(name)                                                                                         \
  do {                                                                                                                 \
    RUN_PROBE(name, scratch);                                                                                          \
    CHECK(seen.count == 1);                                                                                            \
    CHECK(seen.code == STATUS_PRIVILEGED_INSTRUCTION);                                                                 \
    CHECK(seen.address == (ULONG64)name##_at && seen.rip == (ULONG64)name##_at);                                       \
    CHECK(seen.parameters == 0);                                                                                       \
  } while (0)

ULONG start(void *peb)
{
  (void)peb;
  RtlAddVectoredExceptionHandler(TRUE, record_exception);
  CHECK_PRIVILEGED(p_cli);
  CHECK_PRIVILEGED(p_sti);
  CHECK_PRIVILEGED(p_hlt);
  CHECK_PRIVILEGED(p_read_cr0);
  CHECK_PRIVILEGED(p_write_cr0);
  CHECK_PRIVILEGED(p_read_cr3);
  CHECK_PRIVILEGED(p_read_dr0);
  CHECK_PRIVILEGED(p_write_dr7);
  CHECK_PRIVILEGED(p_rdmsr);
  CHECK_PRIVILEGED(p_wrmsr);
  CHECK_PRIVILEGED(p_swapgs);
  CHECK_PRIVILEGED(p_lgdt);
  CHECK_PRIVILEGED(p_lidt);
  CHECK_PRIVILEGED(p_ltr);
  CHECK_PRIVILEGED(p_invd);
  CHECK_PRIVILEGED(p_wbinvd);
  CHECK_PRIVILEGED(p_invlpg);
  CHECK_PRIVILEGED(p_clts);
  return 0;
}
