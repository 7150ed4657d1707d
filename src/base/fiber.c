/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fibers on the context switch of Boost.Context, reached through its C ABI. */
#include "base/fiber.h"

#include "base/host.h"
#include "base/sanitizer.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* What a switch delivers: the position that was left and the pointer that was handed over. */
typedef struct {
  void *fctx;
  void *data;
} transfer_t;

transfer_t jump_fcontext(void *to, void *data);
void *make_fcontext(void *stack_top, size_t size, void (*fn)(transfer_t));

/* Lies on the stack of the fiber that is being left. */
struct handoff {
  fiber *from;
  fiber *to;
};

#if BASE_ASAN
const size_t fiber_stack_size = 256 * 1024;
#else
const size_t fiber_stack_size = 64 * 1024;
#endif

/* All book-keeping lies in the head of the region itself, so that a snapshot of the region has it too. */
struct fiber_stacks {
  size_t region_size;
  size_t slot_size; /* guard page and stack */
  size_t page_size;
  size_t max_stacks;
  size_t fresh;      /* slots below this one have their guard page */
  size_t free_count; /* entries of free_slots in use; the last one returned is the next one taken */
  uint8_t *slots;
  bool prefill;
  uint8_t fill;
  uint32_t free_slots[];
};

fiber_stacks *fiber_stacks_create(size_t max_stacks)
{
  size_t page = host_page_size();
  size_t slot = page + fiber_stack_size;
  if (max_stacks == 0 || max_stacks > UINT32_MAX || max_stacks > SIZE_MAX / (2 * slot)) {
    return NULL;
  }
  size_t head = sizeof(fiber_stacks) + max_stacks * sizeof(uint32_t);
  head = (head + page - 1) & ~(page - 1);
  size_t total = head + max_stacks * slot;
  fiber_stacks *s = host_reserve(total);
  if (s == NULL) {
    return NULL;
  }
  s->region_size = total;
  s->slot_size = slot;
  s->page_size = page;
  s->max_stacks = max_stacks;
  s->slots = (uint8_t *)s + head;
  return s;
}

void fiber_stacks_destroy(fiber_stacks *s)
{
  if (s != NULL) {
    BASE_UNPOISON(s->slots, s->fresh * s->slot_size);
    host_release(s, s->region_size);
  }
}

void *fiber_stack_take(fiber_stacks *s)
{
  size_t index;
  if (s->free_count > 0) {
    index = s->free_slots[--s->free_count];
  } else if (s->fresh < s->max_stacks) {
    index = s->fresh++;
    host_guard(s->slots + index * s->slot_size, s->page_size);
  } else {
    return NULL;
  }
  void *stack = s->slots + index * s->slot_size + s->page_size;
  if (s->prefill) {
    memset(stack, s->fill, fiber_stack_size);
  }
  return stack;
}

void fiber_stack_return(fiber_stacks *s, void *stack)
{
  if (stack == NULL) {
    return;
  }
  size_t index = (size_t)((uint8_t *)stack - s->slots) / s->slot_size;
  assert(index < s->fresh && s->free_count < s->fresh);
  /* A fiber that ended in the middle of a call left the red zones of its frames behind. */
  BASE_UNPOISON(stack, fiber_stack_size);
  s->free_slots[s->free_count++] = (uint32_t)index;
}

void fiber_stacks_prefill(fiber_stacks *s, uint8_t fill)
{
  s->prefill = true;
  s->fill = fill;
}

/* ---- copies ---- */

struct saved_stack {
  uint8_t *low, *from; /* its ends: low <= from < low + fiber_stack_size */
  uint8_t *bytes;      /* of [from, low + fiber_stack_size), in the copy itself */
  uint8_t *shadow;     /* of the same; the sanitizer's */
};

struct fiber_stacks_copy {
  size_t fresh, free_count;
  uint32_t *free_slots;
  size_t count;
  struct saved_stack stacks[];
};

fiber_stacks_copy *fiber_stacks_save(const fiber_stacks *s, const fiber *const fibers[], size_t count)
{
  size_t head = sizeof(fiber_stacks_copy) + count * sizeof(struct saved_stack) + s->free_count * sizeof(uint32_t);
  size_t total = head;
  for (size_t i = 0; i < count; i++) {
    total += (size_t)((uint8_t *)fibers[i]->stack_low + fiber_stack_size - (uint8_t *)fibers[i]->context);
  }
  fiber_stacks_copy *copy = malloc(total);
  if (copy == NULL) {
    return NULL;
  }
  copy->fresh = s->fresh;
  copy->free_count = s->free_count;
  copy->count = count;
  copy->free_slots = (uint32_t *)(void *)&copy->stacks[count];
  memcpy(copy->free_slots, s->free_slots, s->free_count * sizeof(uint32_t));
  uint8_t *bytes = (uint8_t *)copy + head;
  bool complete = true;
  for (size_t i = 0; i < count; i++) {
    struct saved_stack *saved = &copy->stacks[i];
    saved->low = fibers[i]->stack_low;
    saved->from = fibers[i]->context;
    saved->bytes = bytes;
    size_t size = (size_t)(saved->low + fiber_stack_size - saved->from);
    sanitizer_copy(bytes, saved->from, size);
    saved->shadow = NULL;
    complete = complete && sanitizer_save_shadow(saved->from, size, &saved->shadow);
    bytes += size;
  }
  if (!complete) {
    fiber_stacks_copy_free(copy);
    return NULL;
  }
  return copy;
}

void fiber_stacks_restore(fiber_stacks *s, const fiber_stacks_copy *copy)
{
#if BASE_ASAN
  /* Frames that are cut off leave the red zones of their variables behind. */
  for (size_t i = 0; i < s->fresh; i++) {
    BASE_UNPOISON(s->slots + i * s->slot_size + s->page_size, fiber_stack_size);
  }
#endif
  s->fresh = copy->fresh;
  s->free_count = copy->free_count;
  memcpy(s->free_slots, copy->free_slots, copy->free_count * sizeof(uint32_t));
  for (size_t i = 0; i < copy->count; i++) {
    const struct saved_stack *saved = &copy->stacks[i];
    size_t size = (size_t)(saved->low + fiber_stack_size - saved->from);
    sanitizer_copy(saved->from, saved->bytes, size);
    sanitizer_load_shadow(saved->from, size, saved->shadow);
  }
}

void fiber_stacks_copy_free(fiber_stacks_copy *copy)
{
  for (size_t i = 0; copy != NULL && i < copy->count; i++) {
    free(copy->stacks[i].shadow);
  }
  free(copy);
}

/* ---- switches ---- */

static void leave(fiber *from, fiber *to, bool for_good)
{
#if BASE_ASAN
  /* Without a place to save it, the sanitizer frees the fake stack of the fiber that is left. */
  __sanitizer_start_switch_fiber(for_good ? NULL : &from->asan_fake_stack, to->stack_low, to->stack_size);
#else
  (void)from, (void)to, (void)for_good;
#endif
}

static void arrive(fiber *self, transfer_t t)
{
  struct handoff *handoff = t.data;
#if BASE_ASAN
  __sanitizer_finish_switch_fiber(self->asan_fake_stack, NULL, NULL);
#else
  (void)self;
#endif
  handoff->from->context = t.fctx;
}

static void fiber_main(transfer_t t)
{
  fiber *self = ((struct handoff *)t.data)->to;
  arrive(self, t);
  self->started = true;
  self->entry(self->argument);
  assert(!"a fiber's entry returned");
}

void fiber_init(fiber *f, void *stack, void (*entry)(void *), void *argument)
{
  memset(f, 0, sizeof(*f));
  f->stack_low = stack;
  f->stack_size = fiber_stack_size;
  f->entry = entry;
  f->argument = argument;
  f->context = make_fcontext((char *)stack + fiber_stack_size, fiber_stack_size, fiber_main);
}

#if BASE_ASAN
/* Bounds of this host thread's stack. They stay: for the first thread glibc reads /proc/self/maps to find them. */
static __thread void *host_stack_low;
static __thread size_t host_stack_size;

static void find_host_stack(void)
{
  pthread_attr_t attributes;
  if (host_stack_size == 0 && pthread_getattr_np(pthread_self(), &attributes) == 0) {
    (void)pthread_attr_getstack(&attributes, &host_stack_low, &host_stack_size);
    (void)pthread_attr_destroy(&attributes);
  }
}
#endif

void fiber_adopt(fiber *f)
{
#if BASE_ASAN
  find_host_stack();
#endif
  memset(f, 0, sizeof(*f));
  f->started = true;
#if BASE_ASAN
  f->stack_low = host_stack_low;
  f->stack_size = host_stack_size;
#endif
}

void fiber_switch(fiber *from, fiber *to)
{
  struct handoff handoff = {from, to};
  leave(from, to, false);
  transfer_t t = jump_fcontext(to->context, &handoff);
  arrive(from, t);
}

void fiber_exit_to(fiber *from, fiber *to)
{
  struct handoff handoff = {from, to};
  leave(from, to, true);
  (void)jump_fcontext(to->context, &handoff);
  __builtin_unreachable();
}
