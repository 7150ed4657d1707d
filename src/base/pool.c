/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One region, filled from its start: the pool's own record, then blocks one behind the other, each a header and a
 * payload of its class's size. So the blocks can be walked in address order and a snapshot is one copy of the bytes
 * up to the high-water mark. Freed blocks wait in a list of their class; they are never joined or split. */
#include "base/pool.h"

#include "base/host.h"
#include "base/sanitizer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define GRANULE 16u
/* Up to here classes are multiples of the granule, above there are four for each doubling. */
#define LINEAR_LIMIT 128u
#define LINEAR_CLASSES (LINEAR_LIMIT / GRANULE)
#define CLASS_COUNT (LINEAR_CLASSES + 4 * (64 - 7))
#define FREE_BLOCK UINT64_MAX

/* Poisoned under AddressSanitizer, as are the bytes behind what was asked for: red zones on both sides. */
struct header {
  uint32_t class_index;
  uint32_t tag;
  uint64_t size; /* bytes asked for, or FREE_BLOCK */
};

/* At the start of the payload of a free block. */
struct link {
  struct link *next;
};

struct pool {
  size_t limit;
  size_t too_large; /* what is not smaller is refused at once: behind the limit, or 0 */
  size_t first; /* offset of the first header */
  size_t used;  /* offset behind the last block */
  size_t blocks_live;
  size_t bytes_live;
  size_t rooted; /* bytes that LeakSanitizer scans */
  bool prefill;
  uint8_t fill;
  struct link *free_blocks[CLASS_COUNT];
};

_Static_assert(sizeof(struct header) == GRANULE, "payloads are aligned to the granule");

/* Number of the highest set bit. */
static unsigned top_bit(uint64_t value) { return 63u - (unsigned)__builtin_clzll(value); }

static unsigned class_of(uint64_t size)
{
  if (size <= LINEAR_LIMIT) {
    return size == 0 ? 0 : (unsigned)((size - 1) / GRANULE);
  }
  unsigned power = top_bit(size - 1);
  unsigned quarter = (unsigned)((size - 1) >> (power - 2)) & 3;
  return LINEAR_CLASSES + (power - 7) * 4 + quarter;
}

static uint64_t class_size(unsigned index)
{
  if (index < LINEAR_CLASSES) {
    return (uint64_t)(index + 1) * GRANULE;
  }
  unsigned power = 7 + (index - LINEAR_CLASSES) / 4;
  uint64_t quarter = (index - LINEAR_CLASSES) % 4 + 1;
  return (UINT64_C(1) << power) + (quarter << (power - 2));
}

static struct header *header_of(const void *block)
{
  return (struct header *)((uintptr_t)block - sizeof(struct header));
}

static void *payload_of(struct header *h) { return h + 1; }

BASE_NO_ASAN static struct header read_header(const struct header *h) { return *h; }

BASE_NO_ASAN static void write_header(struct header *h, struct header value) { *h = value; }

BASE_NO_ASAN static void push_free(pool *p, unsigned index, void *block)
{
  struct link *link = block;
  link->next = p->free_blocks[index];
  p->free_blocks[index] = link;
}

BASE_NO_ASAN static void *pop_free(pool *p, unsigned index)
{
  struct link *link = p->free_blocks[index];
  if (link != NULL) {
    p->free_blocks[index] = link->next;
  }
  return link;
}

/* The root regions double in size as the pool grows: a scan of the whole reservation would touch every page. */
static void add_leak_roots(pool *p)
{
#if BASE_ASAN
  while (p->rooted < p->used) {
    size_t size = p->rooted == 0 ? (size_t)1 << 20 : p->rooted;
    if (size > p->limit - p->rooted) {
      size = p->limit - p->rooted;
    }
    __lsan_register_root_region((char *)p + p->rooted, size);
    p->rooted += size;
  }
#else
  (void)p;
#endif
}

static void remove_leak_roots(pool *p)
{
#if BASE_ASAN
  for (size_t start = 0, size; start < p->rooted; start += size) {
    size = start == 0 ? (size_t)1 << 20 : start;
    if (size > p->limit - start) {
      size = p->limit - start;
    }
    __lsan_unregister_root_region((char *)p + start, size);
  }
#else
  (void)p;
#endif
}

pool *pool_create(size_t limit)
{
  size_t page = host_page_size();
  if (limit > SIZE_MAX / 2) {
    return NULL;
  }
  limit = (limit + page - 1) & ~(page - 1);
  size_t first = (sizeof(pool) + GRANULE - 1) & ~(size_t)(GRANULE - 1);
  if (limit < first) {
    return NULL;
  }
  pool *p = host_reserve(limit);
  if (p == NULL) {
    return NULL;
  }
  p->limit = limit;
  p->too_large = limit + 1;
  p->first = first;
  p->used = first;
  add_leak_roots(p);
  return p;
}

void pool_destroy(pool *p)
{
  if (p != NULL) {
    size_t limit = p->limit;
    remove_leak_roots(p);
    BASE_UNPOISON(p, p->used);
    host_release(p, limit);
  }
}

/* Cuts a block off the unused end of the region. */
static void *carve(pool *p, unsigned index)
{
  uint64_t payload = class_size(index);
  if (payload > p->limit - p->used || sizeof(struct header) > p->limit - p->used - payload) {
    return NULL;
  }
  struct header *h = (struct header *)((char *)p + p->used);
  p->used += sizeof(struct header) + (size_t)payload;
  add_leak_roots(p);
  if (p->prefill) {
    memset(h, p->fill, sizeof(struct header) + (size_t)payload);
  }
  BASE_POISON(h, sizeof(struct header) + (size_t)payload);
  return payload_of(h);
}

void *pool_alloc(pool *p, size_t size, uint32_t tag)
{
  if (size >= p->too_large) {
    return NULL;
  }
  unsigned index = class_of(size);
  void *block = pop_free(p, index);
  bool fresh = block == NULL;
  if (fresh) {
    block = carve(p, index);
  }
  if (block == NULL) {
    return NULL;
  }
  write_header(header_of(block), (struct header){index, tag, size});
  BASE_UNPOISON(block, size);
  if (!fresh || p->prefill) {
    memset(block, 0, size);
  }
  p->blocks_live++;
  p->bytes_live += (size_t)class_size(index);
  return block;
}

void pool_free(pool *p, void *block)
{
  if (block == NULL) {
    return;
  }
  struct header h = read_header(header_of(block));
  assert(h.size != FREE_BLOCK && h.class_index < CLASS_COUNT);
  size_t size = (size_t)class_size(h.class_index);
  p->blocks_live--;
  p->bytes_live -= size;
  h.size = FREE_BLOCK;
  write_header(header_of(block), h);
  push_free(p, h.class_index, block);
  BASE_POISON(block, size);
}

void *pool_realloc(pool *p, void *block, size_t size, uint32_t tag)
{
  if (block == NULL) {
    return pool_alloc(p, size, tag);
  }
  struct header h = read_header(header_of(block));
  assert(h.size != FREE_BLOCK);
  size_t old_size = (size_t)h.size;
  if (size <= p->limit && class_of(size) == h.class_index) {
    h.size = size;
    h.tag = tag;
    write_header(header_of(block), h);
    BASE_POISON(block, class_size(h.class_index));
    BASE_UNPOISON(block, size);
    if (size > old_size) {
      memset((char *)block + old_size, 0, size - old_size);
    }
    return block;
  }
  void *moved = pool_alloc(p, size, tag);
  if (moved != NULL) {
    memcpy(moved, block, size < old_size ? size : old_size);
    pool_free(p, block);
  }
  return moved;
}

size_t pool_block_size(const void *block) { return (size_t)read_header(header_of(block)).size; }

void pool_query(const pool *p, struct pool_stats *out)
{
  out->blocks_live = p->blocks_live;
  out->bytes_live = p->bytes_live;
  out->high_water_mark = p->used;
  out->limit = p->limit;
}

void pool_walk(const pool *p, void (*fn)(void *context, uint32_t tag, size_t size, void *block), void *context)
{
  /* Blocks that `fn` itself makes lie at or behind `end` or reuse a free one; both are well-formed. */
  size_t end = p->used;
  for (size_t at = p->first; at < end;) {
    struct header *position = (struct header *)((uintptr_t)p + at);
    struct header h = read_header(position);
    at += sizeof(struct header) + (size_t)class_size(h.class_index);
    if (h.size != FREE_BLOCK) {
      fn(context, h.tag, (size_t)h.size, payload_of(position));
    }
  }
}

void pool_prefill(pool *p, uint8_t fill)
{
  p->prefill = true;
  p->fill = fill;
}

void pool_exhaust(pool *p, bool exhausted) { p->too_large = exhausted ? 0 : p->limit + 1; }

/* ---- copies ---- */

struct pool_copy {
  size_t used;
  uint8_t *shadow; /* the sanitizer's, NULL in a plain build */
  uint8_t bytes[];
};

/* More unused bytes than this are given back rather than cleared. */
#define DISCARD_LIMIT ((size_t)4 << 20)

pool_copy *pool_save(const pool *p)
{
  pool_copy *copy = malloc(sizeof *copy + p->used);
  if (copy == NULL) {
    return NULL;
  }
  copy->used = p->used;
  if (!sanitizer_save_shadow(p, p->used, &copy->shadow)) {
    free(copy);
    return NULL;
  }
  sanitizer_copy(copy->bytes, p, p->used);
  return copy;
}

/* Bytes behind the high-water mark must read as zero: pool_alloc does not clear fresh ones. */
static void clear_unused(pool *p, size_t from, size_t to)
{
  if (to <= from) {
    return;
  }
  BASE_UNPOISON((uint8_t *)p + from, to - from);
  if (to - from > DISCARD_LIMIT) {
    size_t page = host_page_size(), whole = (from + page - 1) & ~(page - 1), end = (to + page - 1) & ~(page - 1);
    memset((uint8_t *)p + from, 0, whole - from);
    host_discard((uint8_t *)p + whole, end - whole);
  } else {
    memset((uint8_t *)p + from, 0, to - from);
  }
}

void pool_restore(pool *p, const pool_copy *copy)
{
  size_t rooted = p->rooted;
  clear_unused(p, copy->used, p->used);
  sanitizer_copy(p, copy->bytes, copy->used);
  sanitizer_load_shadow(p, copy->used, copy->shadow);
  p->rooted = rooted;
}

void pool_copy_free(pool_copy *copy)
{
  if (copy != NULL) {
    free(copy->shadow);
    free(copy);
  }
}
