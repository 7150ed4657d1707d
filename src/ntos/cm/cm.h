/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file cm.h  The registry: a small fixed tree that is read-only, so that two runs see the same. */
#ifndef NTOS_CM_CM_H
#define NTOS_CM_CM_H

#include "ntos/ob/ob.h"

#define REG_SZ 1u
#define REG_BINARY 3u
#define REG_DWORD 4u

/** Longest value in bytes. */
#define CM_MAX_DATA 512u

/** A value of the tree. */
struct cm_value {
  const char *name;
  ULONG type;
  const char *text; /**< REG_SZ, ASCII */
  ULONG number;     /**< REG_DWORD; for REG_BINARY how many zero bytes */
};

/** Body of a Key object. */
typedef struct _CM_KEY {
  const struct cm_node *node; /**< entry of the fixed tree */
} CM_KEY;

/** The Key type, made at first use. NULL: no memory. */
OBJECT_TYPE *cm_key_type(void);
/** Opens a key; one reference, no handle.
 *  @param Root  NULL: `path` is absolute (\Registry\Machine\...)
 *  @return STATUS_OBJECT_NAME_NOT_FOUND, STATUS_OBJECT_PATH_SYNTAX_BAD, STATUS_INSUFFICIENT_RESOURCES */
NTSTATUS CmOpenKey(const CM_KEY *Root, const char *path, CM_KEY **Key);
/** Absolute path of a key. */
const char *cm_key_path(const CM_KEY *Key);
/** Name of the index-th key directly below; *length receives its length. NULL: no more. */
const char *cm_subkey(const CM_KEY *Key, ULONG index, size_t *length);
/** The index-th value; NULL: no more. */
const struct cm_value *cm_value_at(const CM_KEY *Key, ULONG index);
/** A value by name, without regard to case; NULL: none. */
const struct cm_value *cm_find_value(const CM_KEY *Key, const char *name);
/** Bytes of a value as user mode sees them; returns their number. */
ULONG cm_value_data(const struct cm_value *Value, UCHAR data[CM_MAX_DATA]);

#endif
