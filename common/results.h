/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The results document, schema 1 (docs/results.md): the one contract between ccci-run, which writes
 * it, and ccci-bridge, which reads it from the log of the report step.
 *
 *   results_init(&results);
 *   results_set(&results.recipe, "custom-html");
 *   char *line = results_encode(&results);
 *
 * decode(encode(x)) equals x, as long as x fits RESULTS_MAX_BYTES: else the evidence is left out
 * first, then tests and phases. encode masks reasons and evidence (log_mask_text). decode refuses
 * another schema, unknown words and values out of bounds with ERR_PROTOCOL. Unknown keys are
 * ignored, so that a newer ccci-run can add some.
 */
#ifndef CCCI_RESULTS_H
#define CCCI_RESULTS_H

#include "common/buf.h"
#include "common/err.h"
#include "common/json.h"
#include "common/verdict.h"

#define RESULTS_BEGIN "--- ccci results 1 ---"
#define RESULTS_END "--- end ccci results ---"
/* The bytes of the app's picture, one line of base64, behind the document. */
#define RESULTS_PICTURE_BEGIN "--- ccci picture ---"
#define RESULTS_PICTURE_END "--- end ccci picture ---"
#define RESULTS_PICTURE_MAX_BYTES (96 * 1024) /* before base64 */
#define RESULTS_PICTURE_SIDE_MAX 16384	      /* pixels; ours have a tenth of it */
#define RESULTS_MAX_BYTES                                                                          \
	(256 * 1024) /* Drone keeps 5 MB of a log; 40 evidence lines a stage fit many times */
#define RESULTS_TEXT_MAX 1024 /* a reason, a name */
#define RESULTS_EVIDENCE_LINES 40
#define RESULTS_EVIDENCE_MAX_BYTES (16 * 1024)
#define RESULTS_SECONDS_MAX 1e7 /* a third of a year: no run is longer */
#define RESULTS_ALLOWED_MAX 64	/* no suite has so many words */
#define RESULTS_ITEMS_MAX 256	/* phases, tests, leftovers, images, rejected bases */

/* All texts are owned, never NULL after results_init() or decode. */
struct results_phase {
	char *name;
	double seconds;
};
struct results_test {
	char *name;
	enum outcome outcome;
	double seconds;
	char *reason;
};
struct results_stage {
	enum stage stage;
	enum outcome outcome;
	char *reason;
	double seconds;
	struct results_phase *phases;
	size_t phase_count;
	struct results_test *tests;
	size_t test_count;
	char *service;	/* the one the evidence is of; "" when of none */
	char *evidence; /* set with results_stage_set_evidence() */
};
struct results_pair {
	char *name;
	char *value;
};
/* What is not as it was when the recipe was green last (since.h); "" is none. */
struct results_change {
	char *what, *was, *is;
};
/* What the suite's `allow` let through: "app", "mounts /etc/localtime ...", "host-bind:...". */
struct results_allowed {
	char *service; /* "" when it is of none in particular */
	char *what;
	char *word;
};
struct results_allowed_list {
	struct results_allowed *items;
	size_t count;
};
struct results {
	char *id;
	int64_t build; /* 0: none */
	char *recipe, *src;
	int64_t pr; /* 0: none */
	char *ref;
	int64_t comment; /* 0: none */
	char *domain, *host, *started;
	char *suite_ref; /* commit of the CI repository that it is of; "": that of the build, or
			    none */
	char *suite;	 /* its directory, "defaults", or "" when prepare did not come so far */
	double seconds;
	enum verdict_class verdict;
	int level;
	char *reason;
	char *head_version, *base_version, *base_why;
	struct results_pair *rejected; /* version, why */
	size_t rejected_count;
	int deploys;
	struct results_allowed_list allowed;
	struct results_stage stages[STAGE_COUNT];
	size_t stage_count;
	bool is_clean; /* teardown left nothing */
	double teardown_seconds;
	char **left;
	size_t left_count;
	char *ccci, *abra;
	char *suite_hash, *recipe_tests_hash; /* "sha256:" and hex; "" when there is none */
	/* Up for a look: where, until when; or why not, though it was asked for. "" else. */
	char *kept_url, *kept_until, *kept_why_not;
	/* Of the app: what follows the document; or why there is none. "" nobody wanted one. */
	char *picture_type, *picture_why_not;
	int64_t picture_width, picture_height, picture_bytes;
	struct results_pair *images; /* service, digest */
	size_t image_count;
	struct results_pair *tags; /* service, its image as the recipe names it */
	size_t tag_count;
	struct results_pair
	    *shared; /* recipe under needs, the run whose app it shared with others */
	size_t shared_count;
	char *last_green_when; /* RFC 3339; "" nobody looked, or there was none */
	char *last_green_commit;
	int64_t last_green_build;	/* 0: not in Drone */
	struct results_change *changed; /* since then */
	size_t changed_count;
};

void results_init(struct results *results);
void results_release(struct results *results);
DEFINE_AUTO(results, results_release);

/*
 * Replaces an owned text; cut to RESULTS_TEXT_MAX bytes, what is not UTF-8 becomes U+FFFD. The
 * functions below treat their texts the same way; beyond RESULTS_ITEMS_MAX nothing is added.
 */
void results_set(char **field, const char *text);
void results_add_rejected(struct results *results, const char *version, const char *why);
void results_add_left(struct results *results, const char *what);
/* A second one of the same service replaces the first. */
void results_add_image(struct results *results, const char *service, const char *digest);
void results_add_shared(struct results *results, const char *recipe, const char *run_id);
void results_add_tag(struct results *results, const char *service, const char *name);
void results_add_change(struct results *results, const char *what, const char *was, const char *is);
/* Moves a stage to the end of results->stages; one of the same name is replaced. */
void results_take_stage(struct results *results, struct results_stage *take_stage);

/* Pairs by themselves, as prepare hands them over: an object of texts, as in the document. */
void results_pairs_release(struct results_pair *pairs, size_t count);
struct json *results_pairs_encode(const struct results_pair *pairs, size_t count) CHECKED;

/* One of each service and word: the first counts. */
void results_allowed_add(
    struct results_allowed_list *list, const char *service, const char *what, const char *word);
void results_allowed_release(struct results_allowed_list *list);
DEFINE_AUTO(results_allowed_list, results_allowed_release);
/* The list by itself, as prepare hands it over; the form of the document's. */
struct json *results_allowed_encode(const struct results_allowed_list *list) CHECKED;
int results_allowed_decode(
    const struct json *json, struct results_allowed_list *out, struct err *err) CHECKED;

void results_stage_init(struct results_stage *stage, enum stage which);
void results_stage_release(struct results_stage *stage);
DEFINE_AUTO(results_stage, results_stage_release);
void results_stage_add_phase(struct results_stage *stage, const char *name, double seconds);
void results_stage_add_test(struct results_stage *stage, const char *name, enum outcome outcome,
    double seconds, const char *reason);
/* The reason of the whole when the stage decided it: "upgrade: …". The caller frees it. */
char *results_stage_reason(const struct results_stage *stage) CHECKED;
/* The last RESULTS_EVIDENCE_LINES of text, cut to RESULTS_EVIDENCE_MAX_BYTES from its front. */
void results_stage_set_evidence(struct results_stage *stage, const char *service, const char *text);
/* A stage by itself, as the worker hands it to the keeper; same form as in the document. */
struct json *results_stage_encode(const struct results_stage *stage) CHECKED;
int results_stage_decode(
    const struct json *json, struct results_stage *out, struct err *err) CHECKED;

/* "picture: 1280 x 800, 23 KiB", "no picture: why"; NULL: nobody wanted one. The caller frees it.
 */
char *results_picture_text(const struct results *results) CHECKED;

char *results_encode(const struct results *results) CHECKED; /* one line */
/* *out need not be initialised; it is filled on 0 and untouched on -1. */
int results_decode(const char *text, size_t length, struct results *out, struct err *err) CHECKED;
/* The same of a stored text; false: there is none (NULL), or none that can be read. */
bool results_read(const char *text, struct results *out) CHECKED;
/* Finds the document between its two marker lines in a log, last one wins; ERR_MISSING when there
 * is none. */
int results_find(const char *log, size_t length, struct results *out, struct err *err) CHECKED;
/*
 * The picture that a document speaks of, behind it in the log. False: there is none, or it is not
 * of the type and length that the document tells. *out need not be initialised.
 */
bool results_find_picture(
    const struct results *results, const char *log, size_t length, struct buf *out) CHECKED;

#endif
