/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names in a directory: those of all folders that stand behind it, and of roots below it. */
#include "ntos/io/io_internal.h"

#include <stdlib.h>

struct collector {
  char **names;
  size_t count, room;
  bool failed;
};

static void collect(void *context, const char *name, size_t length)
{
  struct collector *c = context;
  if (c->failed || !io_valid_component(name, length))
    return;
  if (c->count == c->room) {
    size_t room = c->room != 0 ? c->room * 2 : 32;
    char **longer = c->names == NULL ? ExAllocatePoolWithTag(room * sizeof(*longer), IO_TAG)
                                     : ExReallocatePool(c->names, room * sizeof(*longer), IO_TAG);
    if (longer == NULL) {
      c->failed = true;
      return;
    }
    c->names = longer;
    c->room = room;
  }
  char *copy = ExAllocatePoolWithTag(length + 1, IO_TAG);
  if (copy == NULL) {
    c->failed = true;
    return;
  }
  memcpy(copy, name, length);
  c->names[c->count++] = copy;
}

static int compare(const void *left, const void *right)
{
  const char *a = *(char *const *)left, *b = *(char *const *)right;
  int order = io_compare_names(a, b);
  return order != 0 ? order : strcmp(a, b);
}

void io_free_names(FILE_OBJECT *File)
{
  for (size_t i = 0; i < File->directory_count; i++)
    ExFreePool(File->directory_names[i]);
  ExFreePool(File->directory_names);
  ExFreePool(File->directory_pattern);
  File->directory_names = NULL;
  File->directory_pattern = NULL;
  File->directory_count = File->directory_index = 0;
}

static void collect_host_names(struct collector *c, const char *drive_path)
{
  struct io_location at;
  for (unsigned layer = 0; io_locate_layer(drive_path, layer, &at); layer++) {
    const struct io_embedded *embedded = at.folder != NULL ? at.folder->embedded : NULL;
    for (; at.status == STATUS_SUCCESS && embedded != NULL && embedded->name != NULL; embedded++)
      collect(c, embedded->name, strlen(embedded->name));
    if (at.status == STATUS_SUCCESS && at.facts.kind == HOST_DIRECTORY && at.folder->embedded == NULL) {
      char **names = host_list_directory(at.host);
      for (char **p = names; p != NULL && *p != NULL; p++)
        collect(c, *p, strlen(*p));
      host_free_names(names);
    }
    ExFreePool(at.host);
  }
}

/* Sorts, and drops names that a guest could not tell from their predecessor. */
static void order(struct collector *c)
{
  size_t kept = 0;
  if (c->count > 1)
    qsort(c->names, c->count, sizeof(*c->names), compare);
  for (size_t i = 0; i < c->count; i++) {
    if (kept > 0 && io_compare_names(c->names[kept - 1], c->names[i]) == 0)
      ExFreePool(c->names[i]);
    else
      c->names[kept++] = c->names[i];
  }
  c->count = kept;
}

static NTSTATUS load_names(FILE_OBJECT *File)
{
  struct collector c = {.count = 0};
  const char *path = io_drive_path(File->path);
  if (path == NULL)
    return STATUS_INVALID_PARAMETER;
  collect_host_names(&c, path);
  io_for_each_virtual_child(path, collect, &c);
  order(&c);
  File->directory_names = c.names;
  File->directory_count = c.count;
  if (c.failed) {
    io_free_names(File);
    return STATUS_INSUFFICIENT_RESOURCES;
  }
  if (File->directory_names == NULL) {
    /* Not NULL: says that the names were loaded. */
    File->directory_names = ExAllocatePoolWithTag(sizeof(char *), IO_TAG);
  }
  return File->directory_names != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static bool is_drive_root(const FILE_OBJECT *File)
{
  const char *path = io_drive_path(File->path);
  return path != NULL && strlen(path) <= 3;
}

/* What a name in the directory is; false if it has gone. */
static bool query_entry(const FILE_OBJECT *File, const char *name, struct io_basic *basic)
{
  size_t head = strlen(File->path), length = strlen(name);
  char *path = ExAllocatePoolWithTag(head + 1 + length + 1, IO_TAG);
  if (path == NULL)
    return false;
  memcpy(path, File->path, head);
  if (head > 0 && path[head - 1] != '\\')
    path[head++] = '\\';
  memcpy(path + head, name, length + 1);
  bool found = NT_SUCCESS(io_query_path(path, basic));
  ExFreePool(path);
  return found;
}

/* Names are numbered with . and .. in front. */
static bool entry_at(const FILE_OBJECT *File, size_t index, struct io_entry *out)
{
  static const char *const dots[] = {".", ".."};
  if (index < 2) {
    if (is_drive_root(File))
      return false;
    out->name = dots[index];
    io_query(File, &out->basic);
    return true;
  }
  out->name = File->directory_names[index - 2];
  return query_entry(File, out->name, &out->basic);
}

NTSTATUS io_next_entry(FILE_OBJECT *File, bool restart, const char *pattern, struct io_entry *out)
{
  bool first = File->directory_names == NULL;
  memset(out, 0, sizeof(*out));
  if (File->kind != IO_DIRECTORY)
    return STATUS_INVALID_PARAMETER;
  if (restart && !first) {
    char *kept = pattern == NULL ? File->directory_pattern : NULL;
    if (kept != NULL)
      File->directory_pattern = NULL;
    io_free_names(File);
    File->directory_pattern = kept;
    first = true;
  }
  if (first) {
    NTSTATUS status = load_names(File);
    if (!NT_SUCCESS(status))
      return status;
    if (pattern != NULL && *pattern != 0) {
      File->directory_pattern = io_duplicate(pattern);
      if (File->directory_pattern == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    }
  }
  while (File->directory_index < File->directory_count + 2) {
    size_t index = File->directory_index++;
    const char *name = index < 2 ? &".."[1 - index] : File->directory_names[index - 2];
    if (File->directory_pattern != NULL && !io_name_matches(File->directory_pattern, name))
      continue;
    if (entry_at(File, index, out))
      return STATUS_SUCCESS;
  }
  return first ? STATUS_NO_SUCH_FILE : STATUS_NO_MORE_FILES;
}

void io_push_back_entry(FILE_OBJECT *File)
{
  if (File->directory_index > 0)
    File->directory_index--;
}
