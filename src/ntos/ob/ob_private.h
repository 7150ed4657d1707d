/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file ob_private.h  State of the object manager, shared by its own files only. */
#ifndef NTOS_OB_OB_PRIVATE_H
#define NTOS_OB_OB_PRIVATE_H

#include "ntos/ob/ob.h"

#define OB_MAX_TYPES 64
/** Index of the first type, as on Windows (0 and 1 mark freed objects there). */
#define OB_FIRST_TYPE_INDEX 2u

struct ob_reaper;
struct ob_name;

struct ob_state {
  struct ob_types types;
  OBJECT_TYPE *type_list[OB_MAX_TYPES]; /**< in order of creation */
  ULONG type_count;
  ULONG max_handles;
  ULONG64 last_directory_id;
  struct ob_name *names;     /**< uthash head; keys are directory id + folded component */
  void *root;                /**< Directory object of the path "\" */
  struct ob_reaper *reapers; /**< threads inside a DeleteProcedure */
};

static inline struct ob_state *ob_state_of_machine(void) { return KeGetPcr()->ob; }

/** Reports a broken invariant and ends the machine (never the host). */
void ob_internal_error(const char *what, const void *Object);
/** Counts a new handle of an object. */
void ob_count_handle(void *Object);
/** A handle is gone: CloseProcedure, the name if it was the last, the handle's reference. */
void ob_uncount_handle(EPROCESS *Process, void *Object, ACCESS_MASK GrantedAccess);

/** Looks a name up or, if `insert` is not NULL, gives that object the name when it is free.
 *  @return STATUS_SUCCESS: *found is referenced; STATUS_OBJECT_NAME_NOT_FOUND with `insert`: it was inserted */
NTSTATUS ob_lookup_or_insert(const char *name, bool follow_last, void *insert, void **found);
/** Takes the name out of the name space; it can still be shown. */
void ob_remove_name(OBJECT_HEADER *header);
/** Frees what is left of a name. */
void ob_free_name(OBJECT_HEADER *header);
/** Makes the root directory. */
bool ob_init_names(void);

#endif
