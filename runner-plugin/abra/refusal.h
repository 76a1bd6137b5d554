/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whose fault it is that abra ended with an error, read from its last lines. Pure.
 *
 *   refusal_read(&facts, buf_text(&result.tail), &refusal);
 *   if (refusal.is_recipes) ... refusal.text says who refuses what, and the next thing to try
 *
 * abra reads compose files with docker/cli's stack loader and hands on what the engine answers, so
 * both refuse in docker's words, which abra does not translate. The recipe's are only sentences
 * that are known to speak of its files; in doubt it is ours.
 *
 * Source: `docker stack deploy` of Docker CLI 20.10 and 28.2 against Engine 20.10.24, each sentence
 * provoked (tests/unit/test_refusal.c has them whole); abra 0.13 puts "FATA" before.
 */
#ifndef CCCI_REFUSAL_H
#define CCCI_REFUSAL_H

#include "common/base.h"

struct refusal_facts {
	int exit_code; /* of abra; 0 refuses nothing */
	const char *stack;
	const char *recipe_dir; /* files below it are the recipe's */
};

#define REFUSAL_TEXT_SIZE 480
struct refusal {
	bool is_recipes;
	char text[REFUSAL_TEXT_SIZE]; /* "" unless it is the recipe's */
};

/* said: what abra wrote at last, masked. */
void refusal_read(const struct refusal_facts *facts, const char *said, struct refusal *out);

/* On one line, with single blanks, and not longer than a reader wants. */
#define REFUSAL_SENTENCE_SIZE 301
void refusal_copy_sentence(const char *from, char out[REFUSAL_SENTENCE_SIZE]);

#endif
