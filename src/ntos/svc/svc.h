/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file svc.h  The Nt* services: how a family of them is tabled. Kernel code knows services by name; numbers come
 *  from the mapped ntdll (DESIGN 1.8). A service takes user pointers as ULONG64. */
#ifndef NTOS_SVC_SVC_H
#define NTOS_SVC_SVC_H

#include "ntos/inc/pcr.h"
#include "ntos/inc/services.h"

/* A thunk takes the sixteen-odd argument slots of a system call and passes what the routine wants. */
#define SVC_THUNK_0(n)                                                                                                 \
  static NTSTATUS svc_##n(const ULONG64 *a)                                                                            \
  {                                                                                                                    \
    (void)a;                                                                                                           \
    return n();                                                                                                        \
  }
#define SVC_BODY(n, ...)                                                                                               \
  static NTSTATUS svc_##n(const ULONG64 *a) { return n(__VA_ARGS__); }
#define SVC_THUNK_1(n, t0) SVC_BODY(n, (t0)a[0])
#define SVC_THUNK_2(n, t0, t1) SVC_BODY(n, (t0)a[0], (t1)a[1])
#define SVC_THUNK_3(n, t0, t1, t2) SVC_BODY(n, (t0)a[0], (t1)a[1], (t2)a[2])
#define SVC_THUNK_4(n, t0, t1, t2, t3) SVC_BODY(n, (t0)a[0], (t1)a[1], (t2)a[2], (t3)a[3])
#define SVC_THUNK_5(n, t0, t1, t2, t3, t4) SVC_BODY(n, (t0)a[0], (t1)a[1], (t2)a[2], (t3)a[3], (t4)a[4])
#define SVC_THUNK_6(n, t0, t1, t2, t3, t4, t5)                                                                         \
  SVC_BODY(n, (t0)a[0], (t1)a[1], (t2)a[2], (t3)a[3], (t4)a[4], (t5)a[5])
#define SVC_THUNK_7(n, t0, t1, t2, t3, t4, t5, t6)                                                                     \
  SVC_BODY(n, (t0)a[0], (t1)a[1], (t2)a[2], (t3)a[3], (t4)a[4], (t5)a[5], (t6)a[6])
#define SVC_THUNK_8(n, t0, t1, t2, t3, t4, t5, t6, t7)                                                                 \
  SVC_BODY(n, (t0)a[0], (t1)a[1], (t2)a[2], (t3)a[3], (t4)a[4], (t5)a[5], (t6)a[6], (t7)a[7])
#define SVC_THUNK_9(n, t0, t1, t2, t3, t4, t5, t6, t7, t8)                                                             \
  SVC_BODY(n, (t0)a[0], (t1)a[1], (t2)a[2], (t3)a[3], (t4)a[4], (t5)a[5], (t6)a[6], (t7)a[7], (t8)a[8])
#define SVC_THUNK_10(n, t0, t1, t2, t3, t4, t5, t6, t7, t8, t9)                                                        \
  SVC_BODY(n, (t0)a[0], (t1)a[1], (t2)a[2], (t3)a[3], (t4)a[4], (t5)a[5], (t6)a[6], (t7)a[7], (t8)a[8], (t9)a[9])
#define SVC_THUNK_11(n, t0, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10)                                                   \
  SVC_BODY(n, (t0)a[0], (t1)a[1], (t2)a[2], (t3)a[3], (t4)a[4], (t5)a[5], (t6)a[6], (t7)a[7], (t8)a[8], (t9)a[9],      \
           (t10)a[10])

/** Entry of a family's table. */
#define SVC(n, count) {#n, svc_##n, count}

/** Registers every family with KeAddSystemServiceTable. False: no memory. */
bool svc_register_all(void);
/** Set TRUE in svc by families that need a whole argument list; the largest number of arguments of any service. */
#define SVC_MAX_ARGUMENTS 17

#endif
