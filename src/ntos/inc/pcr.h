/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file pcr.h  The current processor's control block: the root of a machine's kernel state (DESIGN 1.4). */
#ifndef NTOS_INC_PCR_H
#define NTOS_INC_PCR_H

#include "ntos/inc/ps_types.h"

struct pool;
struct resources;
struct emu;
struct era;

/** One per machine. Each floor keeps its own state behind its own pointer. */
typedef struct _KPCR {
  KTHREAD *CurrentThread;
  struct pool *pool;
  const struct era *era; /**< which build of Windows (spec/3.8) */
  struct emu *emu;
  struct resources *resources; /**< what the machine holds of the host beside its memory (base/resources.h) */
  struct ke_state *ke;
  struct ob_state *ob;
  struct io_state *io;
  struct lpc_state *lpc;
  struct mm_state *mm;
  struct ps_state *ps;
  struct dbgk_state *dbgk;
  struct trap_state *trap;
  struct life_state *life;
  struct svc_state *svc;
  struct kd_state *kd;
  struct ke_quarantine *quarantine; /**< freed blocks that are kept, while exploring (ke/quarantine.c); NULL: none */
} KPCR;

/** The machine that the running host thread is inside of; set at machine entry. */
extern __thread KPCR *ki_current_pcr __attribute__((tls_model("initial-exec")));

static inline KPCR *KeGetPcr(void) { return ki_current_pcr; }
static inline KTHREAD *KeGetCurrentThread(void) { return ki_current_pcr->CurrentThread; }
static inline ETHREAD *PsGetCurrentThread(void) { return (ETHREAD *)ki_current_pcr->CurrentThread; }
static inline EPROCESS *PsGetCurrentProcess(void) { return (EPROCESS *)ki_current_pcr->CurrentThread->Process; }
static inline KPROCESSOR_MODE KeGetPreviousMode(void) { return (KPROCESSOR_MODE)KeGetCurrentThread()->PreviousMode; }

#endif
