/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file svc_state.h  What services keep for a machine: counters, global atoms, sections of code page files. */
#ifndef NTOS_SVC_SVC_STATE_H
#define NTOS_SVC_SVC_STATE_H

#include "ntos/mm/mm.h"

/** Sections of NLS files that stay open. */
#define SVC_NLS_SECTIONS 32
/** Global atoms have numbers from SVC_FIRST_ATOM. */
#define SVC_FIRST_ATOM 0xC000u
#define SVC_MAX_ATOMS 0x4000u
/** Longest atom name in characters. */
#define SVC_ATOM_LENGTH 255u

struct svc_atom {
  char *name; /**< UTF-8, pool; NULL: free */
  ULONG references;
};

struct svc_nls_section {
  char *name; /**< file name, pool */
  SECTION *section;
};

struct svc_state {
  ULONG64 next_luid;
  ULONG uuid_sequence;
  struct svc_atom *atoms;
  ULONG atom_count; /**< slots that were ever used */
  ULONG atom_room;
  struct svc_nls_section nls[SVC_NLS_SECTIONS];
  ULONG nls_count;
  ULONG64 unix_calls_reported; /**< bit per code of a Wine Unix call that the log has named */
  ULONG locale[2]; /**< LCID of the system and of the user */
};

/** The machine's state, made at first use. NULL: no memory. */
struct svc_state *svc_state_of(void);

#endif
