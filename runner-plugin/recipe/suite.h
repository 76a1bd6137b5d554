/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A recipe's suite, tests/recipes/<recipe>/suite.yml (docs/contracts.md, section 6), as a checked
 * value.
 *
 *   suite_parse("suite.yml", text, length, &suite, err)
 *   suite_read(directory, &suite, err)
 *
 * - suite_parse() is pure; its ERR_CONFIG has file:line:column and a guess.
 * - suite_read() takes a directory without suite.yml for one with all defaults.
 *
 * Every key is checked; one that is not known is refused by name, not ignored: a check that
 * silently does not run would be a lie.
 */
#ifndef CCCI_SUITE_H
#define CCCI_SUITE_H

#include "common/buf.h"
#include "common/err.h"
#include "common/verdict.h"
#include "runner-plugin/recipe/needs.h"

#define SUITE_FILE "suite.yml"
#define SUITE_FILE_MAX_BYTES (128 * 1024)
#define SUITE_ITEMS_MAX 64
#define SUITE_STATUS_MAX 8
#define SUITE_MISTAKES_MAX_BYTES (64 * 1024)
#define SUITE_SECRET_MAX_BYTES (500 * 1024 - 1) /* Swarm takes less than 500 KiB */

/* The mappings that a suite is made of, and the keys of each; ccci-suite(5) has the same. */
enum suite_mapping {
	SUITE_ROOT,
	SUITE_PROBE,	  /* of ready and checks */
	SUITE_PROBE_HTTP, /* behind http of a probe, when it is no path alone */
	SUITE_PROGRAM,	  /* of checks: an executable */
	SUITE_DATA,
	SUITE_SECRET, /* behind a name in secrets */
	SUITE_TENANT,
	SUITE_STAGE, /* behind a name in stages */
	SUITE_IMAGES,
	SUITE_MAPPING_COUNT,
};
struct suite_keys {
	const char *where; /* for people: "keys of ..." */
	const char *const *names;
	size_t count;
};
extern const struct suite_keys suite_keys[SUITE_MAPPING_COUNT];

struct suite_pair {
	char *key;
	char *value;
};

enum suite_probe_kind { SUITE_HTTP, SUITE_TCP };

struct suite_probe {
	enum suite_probe_kind kind;
	char *path;			/* HTTP, begins with "/" */
	char *host;			/* HTTP: another host name than the app's domain; NULL */
	int statuses[SUITE_STATUS_MAX]; /* HTTP: accepted ones; none = below 500 */
	size_t status_count;
	char *contains; /* HTTP: bytes the body must hold; NULL */
	char *title;	/* HTTP: text of <title>; NULL */
	char *header;	/* HTTP: "Name: value" that must be there; NULL */
	char *service;	/* service to connect to directly; NULL: through the proxy */
	int port;	/* with service */
};

/* What is inserted for a secret of the recipe; neither value nor file: something random. */
struct suite_secret {
	char *name;  /* its key in the compose files */
	char *value; /* NULL: not given here */
	char *file;  /* below the suite's directory; NULL */
};

struct suite {
	struct suite_pair *env; /* written into the app's env file */
	size_t env_count;
	char **compose; /* overlay files beside suite.yml */
	size_t compose_count;
	int64_t deploy_timeout_ms; /* 0: the setting's */
	int64_t weight;		   /* slots, from 1 */
	struct suite_probe *ready; /* none: GET / below 500 through the proxy */
	size_t ready_count;
	struct suite_probe *checks;
	size_t check_count;
	char **programs; /* checks that are executables, below the suite's directory */
	size_t program_count;
	char **extra; /* executables of the stage extra, below the suite's directory */
	size_t extra_count;
	/* What must survive besides a marker in each volume; below the suite's directory, NULL:
	 * none. */
	char *data_seed;  /* run once after a fresh deployment */
	char *data_check; /* run after what the data must have survived */
	char *data_wipe;  /* run before a restore: takes away what seed wrote, in the app */
	char **dropped;	  /* volumes that an upgrade may drop on purpose */
	size_t dropped_count;
	struct needs needs; /* recipes that are deployed beside it */
	/* What each run makes for itself in this app when another recipe needs it, and takes away;
	 * both or neither. Below the suite's directory. */
	char *tenant_seed, *tenant_release;
	struct suite_secret *secrets;
	size_t secret_count;
	char *not_run[STAGE_COUNT]; /* reason why a stage is intentionally not run; NULL: it runs */
	int64_t
	    stage_timeout_ms[STAGE_COUNT]; /* how long a stage may take; 0: as long as the run */
	char **ignored_images;
	size_t ignored_image_count;
	char **allow; /* words of trespass.h */
	size_t allow_count;
	char *picture; /* page of the app to take a picture of, begins with "/"; NULL: "/" */
};

/* Where a recipe's suite is: SUITES as it is set, absolute or relative to the checkout. NULL: it is
 * relative and there is no checkout. The caller frees it. */
char *suite_directory(const char *suites, const char *checkout, const char *recipe) CHECKED;
int suite_parse(
    const char *name, const char *text, size_t length, struct suite *out, struct err *err) CHECKED;
/* ERR_MISSING: the directory does not exist ("not enrolled"). */
int suite_read(const char *directory, struct suite *out, struct err *err) CHECKED;
/*
 * The value of a secret that is given, here or in a file that lies below the directory and is no
 * link out of it. ERR_CONFIG, ERR_MISSING: the suite's mistake.
 */
int suite_read_secret(const char *directory, const struct suite_secret *secret, struct buf *out,
    struct err *err) CHECKED;
/* What the suite says of that secret; NULL: nothing. */
const struct suite_secret *suite_find_secret(const struct suite *suite, const char *name);
/*
 * All that a recipe needs, in the order in which it is deployed: what its suite says, and the
 * suites of those in the directory of all suites. ERR_CONFIG: a circle, or a mistake in one of
 * them. What an app needs that runs share (suite_may_share()) is its own affair.
 */
int suite_order_needs(const char *suites, const char *recipe, const struct suite *suite,
    const char *shared_needs, struct needs *out, struct err *err) CHECKED;
/* Whether runs may share an app of that recipe: the operator names it in shared_needs, NULL: none,
 * and each run has a tenant of its own in it. */
bool suite_may_share(const struct suite *suite, const char *shared_needs, const char *recipe);
/*
 * Every mistake of a suite, a line each with its place and a guess; nothing is added to a good one.
 * mistakes was made by the caller, SUITE_MISTAKES_MAX_BYTES are plenty. ERR_MISSING, ERR_SYS: it
 * could not be read at all.
 */
int suite_check(const char *directory, struct buf *mistakes, struct err *err) CHECKED;
void suite_release(struct suite *suite);
DEFINE_AUTO(suite, suite_release);

#endif
