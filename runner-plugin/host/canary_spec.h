/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a canary is made of and what it must come out as: its canary.yml. Pure.
 *
 *   canary_spec_read("green/canary.yml", text, length, &spec, &err);
 *   canary_spec_compare(&spec, &results, exit_code, &differences);     "" when it is as declared
 *
 * The tests' harness (tests/lib/canary.py) has the same form and says what each key means. An
 * unknown key is refused, so that nothing that is declared is left unasked.
 */
#ifndef CCCI_CANARY_SPEC_H
#define CCCI_CANARY_SPEC_H

#include "common/results.h"

#define CANARY_SPEC_MAX_BYTES (64 * 1024)
#define CANARY_SPEC_ITEMS_MAX 32 /* of each list */

enum canary_tag { CANARY_HEAD, CANARY_ANNOTATED, CANARY_LIGHTWEIGHT };
struct canary_commit {
	char *version;
	enum canary_tag tag;
};
struct canary_text_list {
	char *items[CANARY_SPEC_ITEMS_MAX];
	size_t count;
};
struct canary_test {
	enum stage stage;
	char *name;
	enum outcome outcome;
};
struct canary_spec {
	struct canary_commit commits[CANARY_SPEC_ITEMS_MAX]; /* oldest first */
	size_t commit_count;
	struct results_pair values[CANARY_SPEC_ITEMS_MAX]; /* what stands for @NAME@ */
	size_t value_count;
	struct canary_text_list images;
	char *needs;		  /* what only the tests have, such as "registry"; "" nothing */
	char *recipe_tests_allow; /* as the setting, for this one; NULL: none */
	char *only_stages, *from; /* as --stages and --from have them; NULL: not given */
	/* what it must come out as */
	enum verdict_class verdict;
	int64_t exit_code;
	int64_t level, deploys; /* -1: not declared */
	struct {
		bool is_declared;
		enum outcome outcome;
	} stages[STAGE_COUNT];
	struct canary_test tests[CANARY_SPEC_ITEMS_MAX];
	size_t test_count;
	char *head, *base, *service; /* base, service: NULL: not declared */
	struct canary_text_list says, says_not, allowed;
	bool has_allowed;
};

int canary_spec_read(const char *name, const char *text, size_t length, struct canary_spec *out,
    struct err *err) CHECKED;
void canary_spec_release(struct canary_spec *spec);
DEFINE_AUTO(canary_spec, canary_spec_release);

/* A line for each thing that is not as declared. */
void canary_spec_compare(const struct canary_spec *spec, const struct results *results,
    int exit_code, struct buf *differences);

#endif
