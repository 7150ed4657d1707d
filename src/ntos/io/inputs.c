/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a run depends on in the host's folders: files that were read, with what they held before a program changed them,
 * and names that were looked for in vain. */
#include "ntos/io/io_internal.h"

/** Later names are not noted: a program may think of any number. */
#define MAX_NAMES 65536u

/* A path that was looked for. */
struct name {
  struct io_input input;
  bool changed; /* a program made it, or wrote to it */
  bool listed;
};

struct io_inputs {
  struct name *names;
  unsigned *by_path; /* places in names, in the order of paths without case */
  unsigned *list;    /* places in names, in order of first use */
  unsigned count, listed, room;
};

bool io_note_inputs(void)
{
  struct io_state *io = io_state_of();
  if (io->inputs == NULL)
    io->inputs = ExAllocatePoolWithTag(sizeof(*io->inputs), IO_TAG);
  return io->inputs != NULL;
}

struct io_inputs *io_swap_inputs(struct io_inputs *inputs)
{
  struct io_inputs *old = io_state_of()->inputs;
  io_state_of()->inputs = inputs;
  return old;
}

/* Place of a path in by_path; true if it is there. */
static bool find(const struct io_inputs *in, const char *path, unsigned *place)
{
  unsigned low = 0, high = in->count;
  while (low < high) {
    unsigned middle = low + (high - low) / 2;
    int order = io_compare_names(in->names[in->by_path[middle]].input.path, path);
    if (order == 0) {
      *place = middle;
      return true;
    }
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  *place = low;
  return false;
}

static bool grow(struct io_inputs *in)
{
  unsigned room = in->room > 0 ? in->room * 2 : 64;
  struct name *names = ExReallocatePool(in->names, room * sizeof(*names), IO_TAG);
  if (names != NULL)
    in->names = names;
  unsigned *by_path = ExReallocatePool(in->by_path, room * sizeof(*by_path), IO_TAG);
  if (by_path != NULL)
    in->by_path = by_path;
  unsigned *list = ExReallocatePool(in->list, room * sizeof(*list), IO_TAG);
  if (list != NULL)
    in->list = list;
  if (names == NULL || by_path == NULL || list == NULL)
    return false;
  in->room = room;
  return true;
}

static void put_on_list(struct io_inputs *in, struct name *name)
{
  name->listed = true;
  in->list[in->listed++] = (unsigned)(name - in->names);
}

/* The entry of a path, NULL if there is none. */
static struct name *known(struct io_inputs *in, const char *normal)
{
  unsigned place;
  return in != NULL && io_drive_path(normal) != NULL && find(in, io_drive_path(normal), &place)
             ? &in->names[in->by_path[place]]
             : NULL;
}

void io_note_search(const char *normal, NTSTATUS status)
{
  struct io_inputs *in = io_state_of()->inputs;
  unsigned place;
  if (in == NULL ||
      (status != STATUS_SUCCESS && status != STATUS_OBJECT_NAME_NOT_FOUND && status != STATUS_OBJECT_PATH_NOT_FOUND))
    return;
  if (find(in, io_drive_path(normal), &place) || in->count == MAX_NAMES || (in->count == in->room && !grow(in)))
    return;
  struct name *name = &in->names[in->count];
  memset(name, 0, sizeof(*name));
  name->input.path = io_duplicate(io_drive_path(normal));
  if (name->input.path == NULL)
    return;
  name->input.existed = status == STATUS_SUCCESS;
  memmove(in->by_path + place + 1, in->by_path + place, (in->count - place) * sizeof(*in->by_path));
  in->by_path[place] = in->count++;
  if (!name->input.existed)
    put_on_list(in, name);
}

void io_note_read(const FILE_OBJECT *File)
{
  struct io_inputs *in = io_state_of()->inputs;
  struct host_stat facts;
  struct name *name = known(in, File->path);
  if (name == NULL || name->listed || name->changed)
    return;
  name->input.size = host_stat_fd(File->fd, &facts) ? facts.size : 0;
  name->input.hashed = sha256_file(File->fd, name->input.size, name->input.sha256);
  put_on_list(in, name);
}

void io_note_change(const FILE_OBJECT *File)
{
  struct name *name = known(io_state_of()->inputs, File->path);
  if (name != NULL)
    name->changed = true;
}

const struct io_input *io_input_at(unsigned index)
{
  const struct io_inputs *in = io_state_of()->inputs;
  return in != NULL && index < in->listed ? &in->names[in->list[index]].input : NULL;
}

NTSTATUS io_hash_path(const char *nt_path, struct io_input *out)
{
  char *path;
  struct io_location at;
  memset(out, 0, sizeof(*out));
  NTSTATUS status = io_normalise(NULL, nt_path, &path);
  if (!NT_SUCCESS(status))
    return status;
  if (io_drive_path(path) == NULL) {
    ExFreePool(path);
    return STATUS_INVALID_DEVICE_REQUEST;
  }
  io_locate(io_drive_path(path), &at);
  int fd = at.status == STATUS_SUCCESS && at.facts.kind == HOST_FILE ? io_open_for_reading(&at) : -1;
  out->existed = at.status == STATUS_SUCCESS;
  if (fd >= 0) {
    out->size = at.facts.size;
    out->hashed = sha256_file(fd, out->size, out->sha256);
    host_close(fd);
  }
  ExFreePool(at.host);
  ExFreePool(path);
  return at.status;
}
