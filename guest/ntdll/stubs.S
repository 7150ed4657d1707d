/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Service stubs in the shape of Windows 10. Their numbers are scrambled by SERVICE_SEED, one-to-one modulo 512: a kernel or
 * program that assumes the numbers of some build instead of reading them here fails at once. */
  .set service_index, 0

  .macro service_stub name
  .section .drectve, "yn"
  .ascii " -export:\name"
  .text
  .balign 16
  .globl \name
\name:
  .byte 0x4C, 0x8B, 0xD1 /* mov %rcx, %r10, in the encoding that Windows has */
  mov $((service_index * (8 * SERVICE_SEED + 5) + 67 * SERVICE_SEED + 3) & 0x1FF), %eax
  testb $1, 0x7FFE0308
  jne 1f
  syscall
  ret
1:
  int $0x2E
  ret
  .set service_index, service_index + 1
  .endm

#define NT_SERVICE(name, ...) service_stub name
#include "nt_services.h"
