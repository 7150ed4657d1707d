/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files a run depends on: those that were read, with what they held before a program wrote to them. */
#include "ntos/io/io_internal.h"

/* Of the machine, ordered by path; numbered by first use. */
struct io_inputs {
  struct io_input *files;
  unsigned *by_path;
  unsigned count, room;
};

bool io_note_inputs(void)
{
  struct io_state *io = io_state_of();
  if (io->inputs == NULL)
    io->inputs = ExAllocatePoolWithTag(sizeof(*io->inputs), IO_TAG);
  return io->inputs != NULL;
}

/* Place of a path in by_path; true if it is there. */
static bool find(const struct io_inputs *in, const char *path, unsigned *place)
{
  unsigned low = 0, high = in->count;
  while (low < high) {
    unsigned middle = low + (high - low) / 2;
    int order = io_compare_names(in->files[in->by_path[middle]].path, path);
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
  struct io_input *files = ExReallocatePool(in->files, room * sizeof(*files), IO_TAG);
  if (files == NULL)
    return false;
  in->files = files;
  unsigned *by_path = ExReallocatePool(in->by_path, room * sizeof(*by_path), IO_TAG);
  if (by_path == NULL)
    return false;
  in->by_path = by_path;
  in->room = room;
  return true;
}

/* A new entry, or NULL: it is known, or there is no memory (or no note is taken). */
static struct io_input *add(const FILE_OBJECT *file)
{
  struct io_inputs *in = io_state_of()->inputs;
  unsigned place;
  if (in == NULL || file->kind != IO_FILE || find(in, io_drive_path(file->path), &place))
    return NULL;
  if (in->count == in->room && !grow(in))
    return NULL;
  struct io_input *input = &in->files[in->count];
  memset(input, 0, sizeof(*input));
  input->path = io_duplicate(io_drive_path(file->path));
  if (input->path == NULL)
    return NULL;
  memmove(in->by_path + place + 1, in->by_path + place, (in->count - place) * sizeof(*in->by_path));
  in->by_path[place] = in->count++;
  return input;
}

void io_note_read(const FILE_OBJECT *File)
{
  struct host_stat facts;
  struct io_input *input = add(File);
  if (input == NULL)
    return;
  input->size = host_stat_fd(File->fd, &facts) ? facts.size : 0;
  input->hashed = sha256_file(File->fd, input->size, input->sha256);
}

void io_note_change(const FILE_OBJECT *File)
{
  struct io_input *input = add(File);
  if (input != NULL)
    input->made = true;
}

const struct io_input *io_input_at(unsigned index)
{
  const struct io_inputs *in = io_state_of()->inputs;
  return in != NULL && index < in->count ? &in->files[index] : NULL;
}

NTSTATUS io_hash_path(const char *nt_path, struct io_input *out)
{
  FILE_OBJECT *file;
  struct host_stat facts;
  memset(out, 0, sizeof(*out));
  NTSTATUS status = IoCreateFile(nt_path, GENERIC_READ | SYNCHRONIZE, FILE_OPEN,
                                 FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE, &file, NULL);
  if (!NT_SUCCESS(status))
    return status;
  if (file->kind == IO_FILE && host_stat_fd(file->fd, &facts)) {
    out->size = facts.size;
    out->hashed = sha256_file(file->fd, out->size, out->sha256);
  }
  ObDereferenceObject(file);
  return out->hashed ? STATUS_SUCCESS : STATUS_INVALID_DEVICE_REQUEST;
}
