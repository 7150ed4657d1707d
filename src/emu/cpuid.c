/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one processor that guests see. Only what the engine runs is claimed. Not SSE4.2, although it runs: common
 * compilers take it as proof of POPCNT, which does not. No hypervisor bit. */
#include "emu/internal.h"

/* Leaf 1 ECX: SSE3, SSSE3, CMPXCHG16B, SSE4.1. */
#define FEATURES_ECX ((1u << 0) | (1u << 9) | (1u << 13) | (1u << 19))
/* Leaf 1 EDX: FPU, DE, PSE, TSC, MSR, PAE, MCE, CX8, APIC, SEP, MTRR, PGE, MCA, CMOV, PAT, PSE36, CLFSH, MMX, FXSR,
 * SSE, SSE2. */
#define FEATURES_EDX 0x078BFBFDu
/* Leaf 80000001 EDX: SYSCALL, NX, RDTSCP, long mode; ECX: LAHF in 64-bit mode, PREFETCHW. */
#define EXTENDED_EDX ((1u << 11) | (1u << 20) | (1u << 27) | (1u << 29))
#define EXTENDED_ECX ((1u << 0) | (1u << 8))
/* Family 6, model 23, stepping 10: the last one without POPCNT. */
#define SIGNATURE 0x0001067Au

static const char brand[48] = "dbgksim virtual x86-64 processor";

static void leaf_values(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
  memset(out, 0, 4 * sizeof out[0]);
  switch (leaf) {
  case 0:
    out[0] = 4;
    memcpy(&out[1], "Genu", 4);
    memcpy(&out[3], "ineI", 4);
    memcpy(&out[2], "ntel", 4);
    break;
  case 1:
    out[0] = SIGNATURE;
    out[1] = 8u << 8 | 1u << 16; /* CLFLUSH of 64 bytes, one logical processor */
    out[2] = FEATURES_ECX;
    out[3] = FEATURES_EDX;
    break;
  case 2:
    out[0] = 1; /* one round, no descriptors */
    break;
  case 4:
    /* 32 KB, 8 ways, 64 sets of 64-byte lines at level 1, 4 MB with 16 ways at level 2. */
    if (subleaf == 0 || subleaf == 1) {
      out[0] = (subleaf == 0 ? 1u : 2u) | 1u << 5 | 1u << 8;
      out[1] = 7u << 22 | 63u;
      out[2] = 63;
    } else if (subleaf == 2) {
      out[0] = 3u | 2u << 5 | 1u << 8;
      out[1] = 15u << 22 | 63u;
      out[2] = 4095;
    }
    break;
  case 0x80000000u:
    out[0] = 0x80000008u;
    break;
  case 0x80000001u:
    out[2] = EXTENDED_ECX;
    out[3] = EXTENDED_EDX;
    break;
  case 0x80000002u:
  case 0x80000003u:
  case 0x80000004u:
    memcpy(out, brand + 16 * (leaf - 0x80000002u), 16);
    break;
  case 0x80000008u:
    out[0] = 40u | 48u << 8;
    break;
  default:
    break;
  }
}

int cpuid_hook(uc_engine *uc, void *context)
{
  uint64_t rax = 0, rcx = 0;
  uint32_t value[4];
  (void)context;
  uc_reg_read(uc, UC_X86_REG_RAX, &rax);
  uc_reg_read(uc, UC_X86_REG_RCX, &rcx);
  leaf_values((uint32_t)rax, (uint32_t)rcx, value);
  static const int target[4] = {UC_X86_REG_RAX, UC_X86_REG_RBX, UC_X86_REG_RCX, UC_X86_REG_RDX};
  for (unsigned i = 0; i < 4; i++) {
    uint64_t wide = value[i];
    uc_reg_write(uc, target[i], &wide);
  }
  return 1;
}
