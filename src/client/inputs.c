/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a run depends on, for recordings: files by hash, the schedule as a digest. */
#include "client/client.h"

#include "base/host.h"
#include "machine/embedded.h"
#include "ntos/io/io.h"

#include <stdio.h>
#include <string.h>

static void convert(const struct io_input *input, struct dbgksim_file *file)
{
  file->path = input->path;
  file->size = input->size;
  memcpy(file->sha256, input->sha256, sizeof file->sha256);
  file->known = input->hashed;
  file->existed = input->existed;
}

enum dbgksim_status dbgksim_input_file(dbgksim_machine *machine, unsigned number, struct dbgksim_file *file)
{
  if (!file)
    return DBGKSIM_BAD_ARGUMENT;
  memset(file, 0, sizeof *file);
  enum dbgksim_status status = machine_enter(machine);
  if (status != DBGKSIM_OK)
    return status;
  const struct io_input *input = io_input_at(number);
  if (input)
    convert(input, file);
  else
    status = machine_fail(machine, DBGKSIM_NOT_FOUND, "%u files were not read", number);
  machine_leave(machine);
  return status;
}

static enum dbgksim_status hash_host_file(const char *path, struct dbgksim_file *file)
{
  const struct io_embedded *sample = machine_find_sample(path);
  struct host_stat facts;
  if (sample) {
    file->existed = file->known = true;
    file->size = sample->size;
    sha256_bytes(sample->bytes, sample->size, file->sha256);
    return DBGKSIM_OK;
  }
  if (!host_stat_path(path, &facts))
    return DBGKSIM_NOT_FOUND;
  file->existed = true;
  int fd = facts.kind == HOST_FILE ? host_open(path, false, false, false) : -1;
  if (fd < 0)
    return DBGKSIM_OK;
  file->size = facts.size;
  file->known = sha256_file(fd, facts.size, file->sha256);
  host_close(fd);
  return DBGKSIM_OK;
}

enum dbgksim_status dbgksim_hash_file(dbgksim_machine *machine, const char *path, struct dbgksim_file *file)
{
  char nt_path[4096];
  if (!path || !file)
    return DBGKSIM_BAD_ARGUMENT;
  memset(file, 0, sizeof *file);
  file->path = path;
  if (!machine)
    return hash_host_file(path, file);
  enum dbgksim_status status = machine_enter(machine);
  if (status != DBGKSIM_OK)
    return status;
  struct io_input found = {0};
  int length = snprintf(nt_path, sizeof nt_path, "\\??\\%s", path);
  NTSTATUS nt =
      length > 0 && (size_t)length < sizeof nt_path ? io_hash_path(nt_path, &found) : STATUS_OBJECT_NAME_INVALID;
  if (NT_SUCCESS(nt)) {
    convert(&found, file);
    file->path = path;
  } else {
    status = machine_fail(machine, DBGKSIM_NOT_FOUND, "%s: no such file", path);
  }
  machine_leave(machine);
  return status;
}

uint64_t dbgksim_schedule_digest(dbgksim_machine *machine)
{
  if (machine_enter(machine) != DBGKSIM_OK)
    return 0;
  uint64_t digest = ke_schedule_digest();
  machine_leave(machine);
  return digest;
}

enum dbgksim_status dbgksim_get_point(dbgksim_machine *machine, struct dbgksim_point *point)
{
  struct ke_point at;
  if (!point)
    return DBGKSIM_BAD_ARGUMENT;
  enum dbgksim_status status = machine_enter(machine);
  if (status != DBGKSIM_OK)
    return status;
  ke_get_point(&at);
  *point = (struct dbgksim_point){at.blocks, at.checks};
  machine_leave(machine);
  return DBGKSIM_OK;
}

enum dbgksim_status dbgksim_interrupt_at(dbgksim_machine *machine, const struct dbgksim_point *point)
{
  if (!point)
    return DBGKSIM_BAD_ARGUMENT;
  enum dbgksim_status status = machine_enter(machine);
  if (status != DBGKSIM_OK)
    return status;
  const struct ke_point at = {point->blocks, point->checks};
  ke_stop_at(&at);
  machine_leave(machine);
  return DBGKSIM_OK;
}
