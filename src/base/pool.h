/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file pool.h  The memory that a machine owns: everything that changes while it runs lies in it (DESIGN 1.4). */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A region of host memory with size-class free lists. Blocks never move, so pointers survive a snapshot. */
typedef struct pool pool;

/** Numbers for tests and reports. */
struct pool_stats {
  size_t blocks_live;     /**< allocations not yet freed */
  size_t bytes_live;      /**< their sizes, rounded to their class */
  size_t high_water_mark; /**< bytes of the region that were ever used */
  size_t limit;           /**< size of the region */
};

/** Creates a pool that may grow to `limit` bytes (reserved, not committed). NULL: no address space. */
pool *pool_create(size_t limit);
/** Gives the whole region back, live blocks included. */
void pool_destroy(pool *p);
/** Allocates zeroed memory, 16-byte aligned; `tag` is a pool tag ('DbgE' style) kept for reports. NULL: limit reached.
 */
void *pool_alloc(pool *p, size_t size, uint32_t tag);
/** Frees a block of pool_alloc; NULL is allowed. */
void pool_free(pool *p, void *block);
/** Grows or shrinks a block (new bytes are zeroed). NULL: limit reached, the old block stays. */
void *pool_realloc(pool *p, void *block, size_t size, uint32_t tag);
/** Bytes of a block that may be used: what was asked for. */
size_t pool_block_size(const void *block);
/** Fills `out`. */
void pool_query(const pool *p, struct pool_stats *out);
/** Calls `fn` for each live block, in address order. */
void pool_walk(const pool *p, void (*fn)(void *context, uint32_t tag, size_t size, void *block), void *context);
/** Makes every fresh byte of a *new* pool start as `fill` before it is zeroed by pool_alloc; for the determinism test.
 */
void pool_prefill(pool *p, uint8_t fill);
/** From now on every allocation fails, as where the limit is reached; false: they work again. For tests of what happens
 *  without memory. */
void pool_exhaust(pool *p, bool exhausted);

/** A pool's contents at some moment. */
typedef struct pool_copy pool_copy;
/** Copies a pool up to its high-water mark. NULL: no memory. */
pool_copy *pool_save(const pool *p);
/** Puts the contents back in place: every pointer into the pool is as good as it was when `copy` was made. */
void pool_restore(pool *p, const pool_copy *copy);
/** Frees a copy; NULL is allowed. */
void pool_copy_free(pool_copy *copy);

#endif
