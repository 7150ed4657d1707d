/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The name space: one table of (directory, folded component), walked component by component as ObpLookupObjectName
 * does. An object in the table is referenced by its entry. */
#include "ntos/ke/ke.h"
#include "ntos/ob/ob_bodies.h"
#include "ntos/ob/ob_private.h"

#include <string.h>

#define TAG POOL_TAG('O', 'b', 'N', 'm')
#define HASH_NONFATAL_OOM 1
#define uthash_malloc(size) ExAllocatePoolWithTag(size, TAG)
#define uthash_free(block, size) ExFreePool(block)
#define uthash_nonfatal_oom(element) ((element)->hashed = false)
#include <uthash.h>

/* Longest path while symbolic links are being replaced, in bytes: twice the longest UNICODE_STRING. */
#define MAXIMUM_PATH 0x20000u
#define MAXIMUM_REPARSES 32

struct ob_name {
  UT_hash_handle hh;
  OBJECT_HEADER *header;
  void *directory; /* referenced */
  char *path;      /* full, in the case it was created with */
  bool hashed;
  unsigned key_size;
  unsigned char key[]; /* directory id, folded component */
};

/* Upper case of one UTF-8 character of one or two bytes: what Windows folds of the Latin-1, Greek and Cyrillic
 * letters. The length never changes. */
static void fold(unsigned char *to, const unsigned char *from, size_t size)
{
  for (size_t i = 0; i < size; i++) {
    unsigned c = from[i];
    if (c >= 'a' && c <= 'z')
      c -= 'a' - 'A';
    to[i] = (unsigned char)c;
    if ((c & 0xE0) != 0xC0 || i + 1 == size || (from[i + 1] & 0xC0) != 0x80)
      continue;
    unsigned letter = (c & 0x1F) << 6 | (from[i + 1] & 0x3F);
    if ((letter >= 0xE0 && letter <= 0xFE && letter != 0xF7) ||
        (letter >= 0x3B1 && letter <= 0x3C9 && letter != 0x3C2) || (letter >= 0x430 && letter <= 0x44F))
      letter -= 0x20;
    else if (letter >= 0x450 && letter <= 0x45F)
      letter -= 0x50;
    to[i] = (unsigned char)(0xC0 | letter >> 6);
    to[++i] = (unsigned char)(0x80 | (letter & 0x3F));
  }
}

/* A name, not yet in the table, for `size` bytes at `component` of `path`, which ends there. */
static struct ob_name *make_name(void *directory, const char *path, const char *component, size_t size)
{
  ULONG64 id = ((OBJECT_DIRECTORY *)directory)->id;
  struct ob_name *name = ExAllocatePoolWithTag(sizeof *name + sizeof id + size, TAG);
  if (!name)
    return NULL;
  size_t length = (size_t)(component - path) + size;
  name->path = ExAllocatePoolWithTag(length + 1, TAG);
  if (!name->path) {
    ExFreePool(name);
    return NULL;
  }
  memcpy(name->path, path, length);
  memcpy(name->key, &id, sizeof id);
  fold(name->key + sizeof id, (const unsigned char *)component, size);
  name->key_size = (unsigned)(sizeof id + size);
  name->directory = directory;
  return name;
}

static struct ob_name *find_name(const struct ob_name *like)
{
  struct ob_name *found = NULL;
  HASH_FIND(hh, ob_state_of_machine()->names, like->key, like->key_size, found);
  return found;
}

static bool enter_name(struct ob_name *name, void *Object)
{
  struct ob_state *ob = ob_state_of_machine();
  name->hashed = true;
  HASH_ADD_KEYPTR(hh, ob->names, name->key, name->key_size, name);
  if (!name->hashed)
    return false;
  name->header = ob_header(Object);
  name->header->name = name;
  ObReferenceObject(name->directory);
  ObReferenceObject(Object);
  return true;
}

static void discard_name(struct ob_name *name)
{
  ExFreePool(name->path);
  ExFreePool(name);
}

void ob_remove_name(OBJECT_HEADER *header)
{
  struct ob_state *ob = ob_state_of_machine();
  struct ob_name *name = header->name;
  if (!name || !name->hashed)
    return;
  HASH_DELETE(hh, ob->names, name);
  name->hashed = false;
  void *directory = name->directory;
  name->directory = NULL;
  ObDereferenceObject(directory);
  ObDereferenceObject(header + 1);
}

void ob_free_name(OBJECT_HEADER *header)
{
  if (header->name)
    discard_name(header->name);
  header->name = NULL;
}

const char *ob_object_name(void *Object)
{
  struct ob_name *name = ob_header(Object)->name;
  return name ? name->path : NULL;
}

/* The link's target in place of the path's first `used` bytes. */
static NTSTATUS reparse(char **path, size_t used, const char *target)
{
  size_t head = strlen(target), tail = strlen(*path + used);
  if (head + tail > MAXIMUM_PATH)
    return STATUS_OBJECT_NAME_INVALID;
  char *replaced = ExAllocatePoolWithTag(head + tail + 1, TAG);
  if (!replaced)
    return STATUS_INSUFFICIENT_RESOURCES;
  memcpy(replaced, target, head);
  memcpy(replaced + head, *path + used, tail + 1);
  ExFreePool(*path);
  *path = replaced;
  return STATUS_SUCCESS;
}

/* One walk from the root. STATUS_REPARSE: *path was changed, walk again. */
#define STATUS_REPARSE NT_STATUS_VALUE(0x00000104)
static NTSTATUS walk(char **path, bool follow_last, void *insert, void **found)
{
  struct ob_types *types = ob_types();
  void *at = ob_state_of_machine()->root;
  const char *component = *path;
  if (*component != '\\')
    return STATUS_OBJECT_PATH_SYNTAX_BAD;
  if (!component[1]) {
    *found = at;
    ObReferenceObject(at);
    return STATUS_SUCCESS;
  }
  for (;;) {
    component++;
    size_t size = strcspn(component, "\\");
    bool last = !component[size];
    if (size == 0)
      return STATUS_OBJECT_NAME_INVALID;
    if (ob_header(at)->Type != types->Directory)
      return STATUS_OBJECT_TYPE_MISMATCH;
    struct ob_name *name = make_name(at, *path, component, size);
    if (!name)
      return STATUS_INSUFFICIENT_RESOURCES;
    struct ob_name *there = find_name(name);
    if (!there && last && insert) {
      if (!enter_name(name, insert)) {
        discard_name(name);
        return STATUS_INSUFFICIENT_RESOURCES;
      }
      return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    discard_name(name);
    if (!there)
      return last ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_OBJECT_PATH_NOT_FOUND;
    at = there->header + 1;
    if (there->header->Type == types->SymbolicLink && (!last || follow_last)) {
      NTSTATUS status = reparse(path, (size_t)(component + size - *path), ((OBJECT_SYMBOLIC_LINK *)at)->target);
      return NT_SUCCESS(status) ? STATUS_REPARSE : status;
    }
    if (last) {
      *found = at;
      ObReferenceObject(at);
      return STATUS_SUCCESS;
    }
    component += size;
  }
}

NTSTATUS ob_lookup_or_insert(const char *name, bool follow_last, void *insert, void **found)
{
  *found = NULL;
  size_t size = strlen(name) + 1;
  if (size > MAXIMUM_PATH)
    return STATUS_OBJECT_NAME_INVALID;
  char *path = ExAllocatePoolWithTag(size, TAG);
  if (!path)
    return STATUS_INSUFFICIENT_RESOURCES;
  memcpy(path, name, size);
  NTSTATUS status = STATUS_REPARSE;
  for (int i = 0; i <= MAXIMUM_REPARSES && status == STATUS_REPARSE; i++)
    status = walk(&path, follow_last, insert, found);
  ExFreePool(path);
  return status == STATUS_REPARSE ? STATUS_OBJECT_PATH_NOT_FOUND : status;
}

NTSTATUS ObReferenceObjectByName(const char *name, OBJECT_TYPE *Type, void **Object)
{
  NTSTATUS status = ob_lookup_or_insert(name, Type != ob_types()->SymbolicLink, NULL, Object);
  if (NT_SUCCESS(status) && Type && ob_header(*Object)->Type != Type) {
    ObDereferenceObject(*Object);
    *Object = NULL;
    status = STATUS_OBJECT_TYPE_MISMATCH;
  }
  return status;
}

bool ob_init_names(void)
{
  struct ob_state *ob = ob_state_of_machine();
  void *root;
  if (!NT_SUCCESS(ob_create_directory(&root)))
    return false;
  struct ob_name *name = ExAllocatePoolWithTag(sizeof *name, TAG);
  char *path = ExAllocatePoolWithTag(2, TAG);
  if (!name || !path) {
    ExFreePool(name);
    ExFreePool(path);
    return false;
  }
  path[0] = '\\';
  name->path = path;
  name->header = ob_header(root);
  name->header->name = name;
  name->header->permanent = true;
  ob->root = root;
  return true;
}
