/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file resources.h  What a machine holds of the host beside its own memory: descriptors, mappings, malloc'ed bytes.
 *  What is given back while a snapshot still needs it is parked until that snapshot is dropped (DESIGN 8). */
#ifndef BASE_RESOURCES_H
#define BASE_RESOURCES_H

#include <stdbool.h>
#include <stddef.h>

/** The resources of one machine; lies outside of the machine's pool, so that a restore does not touch it. Where it is
 *  NULL, nothing is noted and everything is given back at once. */
typedef struct resources resources;
/** Which resources lived at some moment. */
typedef struct resources_mark resources_mark;

/** NULL: no memory. */
resources *resources_create(void);
/** Gives everything back that is left, parked ones too. */
void resources_destroy(resources *r);
/** Takes charge of an open descriptor. False: no memory, the caller keeps it. */
bool resources_add_fd(resources *r, int fd);
/** Takes charge of malloc'ed bytes. */
bool resources_add_bytes(resources *r, void *bytes);
/** Takes charge of a mapping of `size` bytes. */
bool resources_add_mapping(resources *r, void *address, size_t size);
/** Closes a descriptor, now or when no mark holds it any more; -1 and unknown ones are allowed (closed at once). */
void resources_close_fd(resources *r, int fd);
/** The same for bytes; NULL is allowed. */
void resources_free_bytes(resources *r, void *bytes);
/** The same for a mapping. */
void resources_unmap(resources *r, void *address, size_t size);
/** Notes and holds what lives now. NULL: no memory. */
resources_mark *resources_hold(resources *r);
/** Makes exactly what lived at the mark live again: what came after it is given back, unless another mark holds it. */
void resources_rewind(resources *r, const resources_mark *mark);
/** Ends a hold. */
void resources_drop(resources *r, resources_mark *mark);
/** Resources that live, and that are parked. */
void resources_count(const resources *r, size_t *live, size_t *parked);

#endif
