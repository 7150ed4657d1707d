/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/resources.h"

#include "base/host.h"

#include <stdint.h>
#include <stdlib.h>

enum kind { KIND_NONE, KIND_FD, KIND_BYTES, KIND_MAPPING };

/* A slot stays at its place as long as it is in use: marks name slots. */
struct slot {
  enum kind kind;
  uintptr_t value; /* descriptor or address */
  size_t size;     /* of a mapping */
  bool live;       /* else parked */
  unsigned holds;  /* marks that name it */
};

struct resources {
  struct slot *slots;
  size_t count, room;
  size_t first_free; /* no slot below it is free */
};

struct resources_mark {
  size_t count;
  size_t slots[];
};

resources *resources_create(void) { return calloc(1, sizeof(resources)); }

/* Gives a slot's resource back and frees the slot. */
static void release(resources *r, size_t index)
{
  struct slot *s = &r->slots[index];
  switch (s->kind) {
  case KIND_FD:
    host_close((int)s->value);
    break;
  case KIND_BYTES:
    free((void *)s->value);
    break;
  case KIND_MAPPING:
    host_release((void *)s->value, s->size);
    break;
  case KIND_NONE:
    return;
  }
  s->kind = KIND_NONE;
  if (index < r->first_free)
    r->first_free = index;
}

void resources_destroy(resources *r)
{
  if (r == NULL)
    return;
  for (size_t i = 0; i < r->count; i++)
    release(r, i);
  free(r->slots);
  free(r);
}

static bool add(resources *r, enum kind kind, uintptr_t value, size_t size)
{
  if (r == NULL)
    return true;
  size_t at = r->first_free;
  while (at < r->count && r->slots[at].kind != KIND_NONE)
    at++;
  if (at == r->room) {
    size_t room = r->room == 0 ? 64 : r->room * 2;
    struct slot *slots = realloc(r->slots, room * sizeof *slots);
    if (slots == NULL)
      return false;
    r->slots = slots;
    r->room = room;
  }
  if (at == r->count)
    r->count++;
  r->first_free = at + 1;
  r->slots[at] = (struct slot){.kind = kind, .value = value, .size = size, .live = true};
  return true;
}

bool resources_add_fd(resources *r, int fd) { return add(r, KIND_FD, (uintptr_t)fd, 0); }
bool resources_add_bytes(resources *r, void *bytes) { return add(r, KIND_BYTES, (uintptr_t)bytes, 0); }

bool resources_add_mapping(resources *r, void *address, size_t size)
{
  return add(r, KIND_MAPPING, (uintptr_t)address, size);
}

/* False if no such resource lives. */
static bool end(resources *r, enum kind kind, uintptr_t value)
{
  for (size_t i = 0; r != NULL && i < r->count; i++) {
    struct slot *s = &r->slots[i];
    if (s->kind != kind || s->value != value || !s->live)
      continue;
    s->live = false;
    if (s->holds == 0)
      release(r, i);
    return true;
  }
  return false;
}

void resources_close_fd(resources *r, int fd)
{
  if (!end(r, KIND_FD, (uintptr_t)fd))
    host_close(fd);
}

void resources_free_bytes(resources *r, void *bytes)
{
  if (!end(r, KIND_BYTES, (uintptr_t)bytes))
    free(bytes);
}

void resources_unmap(resources *r, void *address, size_t size)
{
  if (!end(r, KIND_MAPPING, (uintptr_t)address))
    host_release(address, size);
}

resources_mark *resources_hold(resources *r)
{
  resources_mark *mark = malloc(sizeof *mark + r->count * sizeof mark->slots[0]);
  if (mark == NULL)
    return NULL;
  mark->count = 0;
  for (size_t i = 0; i < r->count; i++) {
    if (r->slots[i].kind != KIND_NONE && r->slots[i].live) {
      mark->slots[mark->count++] = i;
      r->slots[i].holds++;
    }
  }
  return mark;
}

void resources_rewind(resources *r, const resources_mark *mark)
{
  size_t next = 0; /* the mark's slots ascend */
  for (size_t i = 0; i < r->count; i++) {
    struct slot *s = &r->slots[i];
    if (next < mark->count && mark->slots[next] == i) {
      s->live = true;
      next++;
    } else if (s->kind != KIND_NONE && s->live) {
      s->live = false;
      if (s->holds == 0)
        release(r, i);
    }
  }
}

void resources_drop(resources *r, resources_mark *mark)
{
  if (mark == NULL)
    return;
  for (size_t i = 0; i < mark->count; i++) {
    struct slot *s = &r->slots[mark->slots[i]];
    if (--s->holds == 0 && !s->live)
      release(r, mark->slots[i]);
  }
  free(mark);
}

void resources_count(const resources *r, size_t *live, size_t *parked)
{
  *live = *parked = 0;
  for (size_t i = 0; i < r->count; i++) {
    if (r->slots[i].kind != KIND_NONE)
      *(r->slots[i].live ? live : parked) += 1;
  }
}
