/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file internal.h  State of life, and offsets of the structures that it fills for user mode (spec/7.1). */
#ifndef NTOS_LIFE_INTERNAL_H
#define NTOS_LIFE_INTERNAL_H

#include "ntos/ke/ke.h"
#include "ntos/ke/trace.h"
#include "ntos/life/life.h"
#include "ntos/trap/trap.h"

struct life_state {
  struct life_userland userland;
  ULONG64 ntdll_base;      /**< the same in every process */
  USHORT os_build;
};
static inline struct life_state *life_state(void) { return KeGetPcr()->life; }

#define TEB_SIZE 0x4000u /**< the TEB, and what Wine's userland keeps behind it */
#define TEB_EXCEPTION_LIST 0x00u
#define TEB_STACK_BASE 0x08u
#define TEB_STACK_LIMIT 0x10u
#define TEB_SELF 0x30u
#define TEB_CLIENT_ID 0x40u
#define TEB_PEB 0x60u
#define TEB_CURRENT_LOCALE 0x108u
#define TEB_ACTIVATION_STACK 0x290u         /**< an empty ACTIVATION_CONTEXT_STACK */
#define TEB_ACTIVATION_STACK_POINTER 0x2C8u
#define TEB_REAL_CLIENT_ID 0x7D8u
#define TEB_STATIC_UNICODE_STRING 0x1258u
#define TEB_STATIC_UNICODE_BUFFER 0x1268u
#define TEB_STATIC_UNICODE_BYTES 522u
#define TEB_DEALLOCATION_STACK 0x1478u
#define TEB_DBG_SS_RESERVED_1 0x16A8u       /**< handle of the debug object of a debugger's thread */

#define PEB_SIZE 0x4000u /**< likewise */
#define LOCALE_US_ENGLISH 0x409u

/** What a version query is told: Windows 10 1511. */
#define NT_MAJOR_VERSION 10u
#define NT_MINOR_VERSION 0u
#define NT_BUILD_NUMBER 10586u

/** Fills KUSER_SHARED_DATA. */
void life_fill_shared_data(UCHAR *page);
/** Allocates and fills a thread's TEB. */
NTSTATUS life_create_teb(EPROCESS *Process, ETHREAD *Thread);
/** Allocates and fills the PEB, the parameter block and what they point at. */
NTSTATUS life_create_peb(EPROCESS *Process, const struct life_process_request *request);
/** SystemRoutine of user threads. */
void PspUserThreadStartup(void *StartContext);

#endif
