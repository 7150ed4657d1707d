/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a guest's drive path to the host: the longest root, then component by component without regard to case. */
#include "base/utf.h"
#include "ntos/io/io_internal.h"

#include <stdlib.h>

ULONG64 io_identity(const struct host_stat *facts)
{
  /* Mixed, so that files of two devices with the same inode differ; 0 would mean "unknown". */
  ULONG64 identity = facts->device * 0x9E3779B97F4A7C15ull ^ facts->inode;
  return identity != 0 ? identity : 1;
}

/* True if the guest folder is `path` or a parent of it; *rest is then what is below, without its first backslash. */
static bool folder_holds(const struct io_folder *folder, const char *path, const char **rest)
{
  const char *p = path, *q = folder->guest;
  while (*q != 0) {
    if (io_upcase(utf8_next(&p)) != io_upcase(utf8_next(&q)))
      return false;
  }
  if (*p == 0) {
    *rest = p;
    return true;
  }
  *rest = p + 1;
  return *p == '\\';
}

/* The first component of a folder's guest path that lies directly below `path`; NULL if it is not below it. */
static const char *child_below(const struct io_folder *folder, const char *path, size_t *length)
{
  const char *p = path, *q = folder->guest;
  while (*p != 0) {
    if (p[0] == '\\' && p[1] == 0)
      break;
    if (io_upcase(utf8_next(&p)) != io_upcase(utf8_next(&q)))
      return NULL;
  }
  if (*q != '\\' || q[1] == 0)
    return NULL;
  q++;
  *length = strcspn(q, "\\");
  return q;
}

void io_for_each_virtual_child(const char *path, void (*fn)(void *context, const char *name, size_t length),
                               void *context)
{
  const struct io_state *io = io_state_of();
  for (unsigned i = 0; i < io->folder_count; i++) {
    size_t length;
    const char *child = child_below(&io->folders[i], path, &length);
    if (child != NULL)
      fn(context, child, length);
  }
}

static void note_child(void *context, const char *name, size_t length)
{
  (void)name;
  (void)length;
  *(bool *)context = true;
}

static bool is_virtual_directory(const char *path)
{
  const struct io_state *io = io_state_of();
  bool found = false;
  /* A drive exists when any root lies on it. */
  for (unsigned i = 0; i < io->folder_count && path[2] == '\\' && path[3] == 0; i++) {
    if (io->folders[i].guest[0] == path[0])
      return true;
  }
  io_for_each_virtual_child(path, note_child, &found);
  return found;
}

static bool inside(const char *canonical, const char *path)
{
  size_t n = strlen(canonical);
  if (n > 0 && canonical[n - 1] == '/')
    n--;
  return strncmp(canonical, path, n) == 0 && (path[n] == 0 || path[n] == '/');
}

/* Appends a component; NULL: no memory (the old text is freed). */
static char *append(char *host, const char *name, size_t length)
{
  size_t head = strlen(host);
  char *longer = ExReallocatePool(host, head + 1 + length + 1, IO_TAG);
  if (longer == NULL) {
    ExFreePool(host);
    return NULL;
  }
  longer[head] = '/';
  memcpy(longer + head + 1, name, length);
  longer[head + 1 + length] = 0;
  return longer;
}

/* The host's name for a component that has no exact match: the first in bytewise order that differs in case only. */
static char *other_case(const char *directory, const char *name)
{
  char *found = NULL;
  char **names = host_list_directory(directory);
  for (char **p = names; p != NULL && *p != NULL && found == NULL; p++) {
    if (io_compare_names(*p, name) == 0 && io_valid_component(*p, strlen(*p)))
      found = io_duplicate(*p);
  }
  host_free_names(names);
  return found;
}

/* Enters one component below out->host. False: out->status says why not; the host path then names what is absent. */
static bool enter(const char *name, size_t length, bool last, struct io_location *out)
{
  size_t head = strlen(out->host);
  out->host = append(out->host, name, length);
  out->status = STATUS_INSUFFICIENT_RESOURCES;
  if (out->host == NULL)
    return false;
  if (!host_stat_path(out->host, &out->facts)) {
    char *other;
    out->host[head] = 0;
    other = other_case(out->host, out->host + head + 1);
    out->host[head] = '/';
    if (other == NULL || strlen(other) > (size_t)IO_MAX_COMPONENT * 4) {
      ExFreePool(other);
      out->status = last ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_OBJECT_PATH_NOT_FOUND;
      return false;
    }
    out->host[head] = 0;
    out->host = append(out->host, other, strlen(other));
    ExFreePool(other);
    if (out->host == NULL)
      return false;
    if (!host_stat_path(out->host, &out->facts)) {
      out->status = last ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_OBJECT_PATH_NOT_FOUND;
      return false;
    }
  }
  if (!last && out->facts.kind != HOST_DIRECTORY) {
    out->status = STATUS_OBJECT_PATH_NOT_FOUND;
    return false;
  }
  out->status = STATUS_SUCCESS;
  return true;
}

static struct io_contained *contained_entry(const char *host)
{
  uint64_t hash = 0xCBF29CE484222325ull;
  for (const char *p = host; *p != 0; p++)
    hash = (hash ^ (unsigned char)*p) * 0x100000001B3ull;
  return &io_state_of()->contained[hash % IO_CONTAINED_ENTRIES];
}

/* True if the same path led to the same file before, and the file lay in the folder: following the links again, one
 * question to the host for each component, is most of what opening a file costs. */
static bool known_contained(const struct io_folder *folder, const struct io_location *at)
{
  const struct io_contained *known = contained_entry(at->host);
  return known->host != NULL && known->folder == (unsigned)(folder - io_state_of()->folders) &&
         known->device == at->facts.device && known->inode == at->facts.inode && strcmp(known->host, at->host) == 0;
}

static void note_contained(const struct io_folder *folder, const struct io_location *at)
{
  struct io_contained *known = contained_entry(at->host);
  ExFreePool(known->host);
  *known = (struct io_contained){.host = io_duplicate(at->host),
                                 .device = at->facts.device,
                                 .inode = at->facts.inode,
                                 .folder = (unsigned)(folder - io_state_of()->folders)};
}

/* A symbolic link may lead anywhere: what was found, or the parent of what was not, must lie in the folder. */
static bool contained(const struct io_folder *folder, const char *host, bool exists)
{
  char *real = NULL;
  if (exists) {
    real = host_real_path(host);
  } else {
    char *parent = io_duplicate(host);
    if (parent != NULL) {
      *strrchr(parent, '/') = 0;
      real = host_real_path(parent);
    }
    ExFreePool(parent);
  }
  bool ok = real != NULL && folder->canonical != NULL && inside(folder->canonical, real);
  free(real);
  return ok;
}

/* Identity of embedded files: no host device has this number, less the number of the folder. */
#define EMBEDDED_DEVICE UINT64_MAX

static void find_embedded(const struct io_folder *folder, const char *rest, struct io_location *out)
{
  const uint64_t device = EMBEDDED_DEVICE - (uint64_t)(folder - io_state_of()->folders);
  out->folder = folder;
  out->host = io_duplicate(rest);
  out->status = out->host != NULL ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_INSUFFICIENT_RESOURCES;
  if (out->host != NULL && *rest == 0) {
    out->facts = (struct host_stat){.kind = HOST_DIRECTORY, .device = device};
    out->status = STATUS_SUCCESS;
  }
  for (const struct io_embedded *file = folder->embedded; out->host != NULL && file->name != NULL; file++) {
    if (io_compare_names(file->name, rest) != 0)
      continue;
    out->facts = (struct host_stat){.kind = HOST_FILE,
                                    .size = file->size,
                                    .device = device,
                                    .inode = (uint64_t)(file - folder->embedded) + 1};
    out->embedded = file;
    out->status = STATUS_SUCCESS;
  }
}

int io_open_for_reading(const struct io_location *at)
{
  if (at->embedded == NULL)
    return host_open(at->host, false, false, false);
  int fd = host_memfd(at->embedded->name, at->embedded->size);
  if (fd >= 0 && host_pwrite(fd, at->embedded->bytes, at->embedded->size, 0) == (ssize_t)at->embedded->size &&
      host_memfd_seal(fd))
    return fd;
  if (fd >= 0)
    host_close(fd);
  return -1;
}

static void walk(const struct io_folder *folder, const char *rest, struct io_location *out)
{
  if (folder->embedded != NULL) {
    find_embedded(folder, rest, out);
    return;
  }
  out->folder = folder;
  out->host = io_duplicate(folder->host);
  out->status = STATUS_INSUFFICIENT_RESOURCES;
  if (out->host == NULL)
    return;
  out->status = STATUS_OBJECT_PATH_NOT_FOUND;
  if (!host_stat_path(out->host, &out->facts))
    return;
  out->status = STATUS_SUCCESS;
  while (*rest != 0) {
    size_t length = strcspn(rest, "\\");
    const char *next = rest[length] == '\\' ? rest + length + 1 : rest + length;
    if (out->facts.kind != HOST_DIRECTORY) {
      out->status = STATUS_OBJECT_PATH_NOT_FOUND;
      return;
    }
    if (!enter(rest, length, *next == 0, out))
      break;
    rest = next;
  }
  bool exists = out->status == STATUS_SUCCESS;
  bool known = exists && known_contained(folder, out);
  if ((exists || out->status == STATUS_OBJECT_NAME_NOT_FOUND) && !known && !contained(folder, out->host, exists))
    out->status = STATUS_ACCESS_DENIED;
  else if (exists && !known)
    note_contained(folder, out);
  if (exists && out->facts.kind != HOST_FILE && out->facts.kind != HOST_DIRECTORY)
    out->status = STATUS_ACCESS_DENIED;
}

static size_t longest_root(const char *path)
{
  const struct io_state *io = io_state_of();
  size_t longest = 0;
  for (unsigned i = 0; i < io->folder_count; i++) {
    const char *rest;
    if (folder_holds(&io->folders[i], path, &rest) && io->folders[i].guest_length > longest)
      longest = io->folders[i].guest_length;
  }
  return longest;
}

bool io_locate_layer(const char *path, unsigned layer, struct io_location *out)
{
  const struct io_state *io = io_state_of();
  size_t longest = longest_root(path);
  memset(out, 0, sizeof(*out));
  for (unsigned i = 0; i < io->folder_count; i++) {
    const char *rest;
    if (io->folders[i].guest_length != longest || !folder_holds(&io->folders[i], path, &rest) || layer-- > 0)
      continue;
    walk(&io->folders[i], rest, out);
    return true;
  }
  return false;
}

/* Several folders may stand at one guest path (DLLs and code page files both in system32): the first that has the file
 * wins; if none has, the first speaks for all. */
static void locate_in_folders(const char *path, struct io_location *out)
{
  struct io_location other;
  out->status = STATUS_OBJECT_PATH_NOT_FOUND;
  if (!io_locate_layer(path, 0, out)) {
    out->status = STATUS_OBJECT_PATH_NOT_FOUND;
    return;
  }
  for (unsigned layer = 1; out->status != STATUS_SUCCESS && io_locate_layer(path, layer, &other); layer++) {
    if (other.status == STATUS_SUCCESS) {
      ExFreePool(out->host);
      *out = other;
    } else {
      ExFreePool(other.host);
    }
  }
}

static bool parent_is_virtual(const char *path)
{
  char *parent = io_duplicate(path);
  bool found = false;
  if (parent != NULL) {
    size_t n = strlen(parent);
    if (n > 3 && parent[n - 1] == '\\')
      parent[n - 1] = 0;
    char *cut = strrchr(parent, '\\');
    if (cut != NULL) {
      cut[cut == parent + 2] = 0; /* the parent of C:\x is C:\ */
      found = is_virtual_directory(parent);
    }
  }
  ExFreePool(parent);
  return found;
}

void io_locate(const char *path, struct io_location *out)
{
  memset(out, 0, sizeof(*out));
  locate_in_folders(path, out);
  if (out->status != STATUS_OBJECT_NAME_NOT_FOUND && out->status != STATUS_OBJECT_PATH_NOT_FOUND)
    return;
  if (is_virtual_directory(path)) {
    ExFreePool(out->host);
    memset(out, 0, sizeof(*out));
    out->virtual_directory = true;
    out->facts.kind = HOST_DIRECTORY;
    out->status = STATUS_SUCCESS;
  } else if (out->host == NULL && parent_is_virtual(path)) {
    out->status = STATUS_OBJECT_NAME_NOT_FOUND;
  }
}
