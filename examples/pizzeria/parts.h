/*
 * The doors of the parts, for main.c, which wires them. Each subscribes to what it wants to hear
 * and is ready; there is nothing else to be had of it. Codes and errors are those of the library.
 */
#ifndef PIZZERIA_PARTS_H
#define PIZZERIA_PARTS_H

#include <tidings/tidings.h>

int orders_open(struct td *td, struct td_error *err);
int payment_open(struct td *td, struct td_error *err);
int kitchen_open(struct td *td, struct td_error *err);
int delivery_open(struct td *td, struct td_error *err);
int loyalty_open(struct td *td, struct td_error *err);
int complaints_open(struct td *td, struct td_error *err);
int mail_open(struct td *td, struct td_error *err);

/* The world outside: a customer comes in, and the bank has its moods. All by the seed. */
int orders_take(struct td *td, unsigned number, uint64_t seed, struct td_error *err);
void payment_bank(uint64_t seed);

/* Not a part of the business: it listens to all of it, and tells what caused what. */
struct stories;
int stories_open(struct stories **stories, struct td *td, struct td_error *err);
/* As trees, or a line for each event with all its causes, which can be sorted and compared. */
void stories_tell(struct stories *stories, bool as_trees);
size_t stories_count(const struct stories *stories, const char *type);
void stories_free(struct stories *stories);

#endif
