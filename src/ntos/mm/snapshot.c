/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What snapshots keep of mm beside the pool and the address spaces: the bytes of sections that may change. They are
 * copied back where something may have stored to them since. The other sections are images, and files whose pages have
 * all been read: what of a mapped file was not read yet is read when a snapshot is taken. */
#include "base/host.h"
#include "ntos/io/io.h"
#include "ntos/mm/internal.h"

#include <stdlib.h>
#include <string.h>

/* Bytes of a section that were ever written: [start, end). */
struct extent {
  ULONG64 start, end;
  UCHAR *bytes;
};

struct saved_area {
  const struct mm_control_area *area;
  int fd;
  ULONG64 size;    /* whole 64 KB units */
  bool incomplete; /* a page could not be read, and may be later */
  struct extent *extents;
  size_t count;
  UCHAR *window; /* the section's bytes on the host, mapped at the first restore that needs them */
};

struct mm_snapshot {
  UCHAR shared_data[PAGE_SIZE];
  size_t count;
  struct saved_area areas[];
};

static bool save_extents(struct saved_area *saved)
{
  ULONG64 start, end;
  size_t room = 0;
  for (ULONG64 at = 0; host_next_data(saved->fd, at, &start, &end); at = end) {
    if (saved->count == room) {
      room = room == 0 ? 4 : room * 2;
      struct extent *grown = realloc(saved->extents, room * sizeof *grown);
      if (grown == NULL)
        return false;
      saved->extents = grown;
    }
    UCHAR *bytes = malloc(end - start);
    saved->extents[saved->count++] = (struct extent){start, end, bytes};
    if (bytes == NULL || host_pread(saved->fd, bytes, end - start, start) != (ssize_t)(end - start))
      return false;
  }
  return true;
}

static bool may_change(const struct mm_control_area *area)
{
  return area->writable || area->absent != 0 || (area->file != NULL && io_can_write());
}

struct mm_snapshot *mm_snapshot_take(void)
{
  struct mm_state *state = mm();
  size_t count = 0;
  for (LIST_ENTRY *e = state->control_areas.Flink; e != &state->control_areas; e = e->Flink) {
    struct mm_control_area *area = CONTAINING_RECORD(e, struct mm_control_area, entry);
    mm_read_ahead(area);
    count += may_change(area);
  }
  struct mm_snapshot *s = calloc(1, sizeof *s + count * sizeof s->areas[0]);
  if (s == NULL)
    return NULL;
  memcpy(s->shared_data, state->shared_data, sizeof s->shared_data);
  for (LIST_ENTRY *e = state->control_areas.Flink; e != &state->control_areas; e = e->Flink) {
    const struct mm_control_area *area = CONTAINING_RECORD(e, struct mm_control_area, entry);
    if (!may_change(area))
      continue;
    struct saved_area *saved = &s->areas[s->count++];
    *saved = (struct saved_area){
        .area = area, .fd = area->fd, .size = GRANULE_UP(area->size), .incomplete = area->absent != 0};
    if (!save_extents(saved)) {
      mm_snapshot_drop(s);
      return NULL;
    }
  }
  return s;
}

/* False if the section still has the bytes that it had. */
static bool may_have_changed(const struct saved_area *saved)
{
  const struct mm_state *state = mm();
  for (const LIST_ENTRY *e = state->control_areas.Flink; e != &state->control_areas; e = e->Flink) {
    const struct mm_control_area *area = CONTAINING_RECORD(e, struct mm_control_area, entry);
    if (area == saved->area && area->fd == saved->fd)
      return area->stored || saved->incomplete;
  }
  return true;
}

static bool restore_area(struct saved_area *saved)
{
  ULONG64 start, end;
  size_t next = 0;
  if (saved->window == NULL) {
    UCHAR *window = host_reserve(saved->size);
    if (window == NULL || !host_map_fd(window, saved->size, saved->fd, 0, false)) {
      host_release(window, saved->size);
      return false;
    }
    saved->window = window;
  }
  for (ULONG64 at = 0; host_next_data(saved->fd, at, &start, &end); at = end) {
    for (ULONG64 page = start; page < end; page += PAGE_SIZE) {
      while (next < saved->count && saved->extents[next].end <= page)
        next++;
      if (next < saved->count && saved->extents[next].start <= page)
        memcpy(saved->window + page, saved->extents[next].bytes + (page - saved->extents[next].start), PAGE_SIZE);
      else
        memset(saved->window + page, 0, PAGE_SIZE);
    }
  }
  return true;
}

bool mm_snapshot_restore(struct mm_snapshot *s)
{
  memcpy(mm()->shared_data, s->shared_data, sizeof s->shared_data);
  for (size_t i = 0; i < s->count; i++) {
    if (may_have_changed(&s->areas[i]) && !restore_area(&s->areas[i]))
      return false;
  }
  return true;
}

void mm_snapshot_drop(struct mm_snapshot *s)
{
  for (size_t i = 0; s != NULL && i < s->count; i++) {
    struct saved_area *saved = &s->areas[i];
    for (size_t k = 0; k < saved->count; k++)
      free(saved->extents[k].bytes);
    free(saved->extents);
    host_release(saved->window, saved->size);
  }
  free(s);
}
