/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What prepare found out for the stages and the record, beside the plan: prepared.json in the run
 * directory, written once.
 */
#ifndef CCCI_PREPARED_H
#define CCCI_PREPARED_H

#include "common/results.h"
#include "runner-plugin/run/run.h"
#include "runner-plugin/swarm/image.h"

struct prepared_need {		/* a recipe that is deployed beside the one under test */
	char *recipe, *prefix;	/* as run_beside() takes them */
	char *commit, *version; /* "" until it is fetched; version "" too: it has none */
	char *shared_key; /* of the app that runs share (shared.h); "": it is this run's alone */
	char *sibling;	  /* with it: the checkout that it is from; "": the forge's */
	char *shared;	  /* the run that is that app, or was asked to be; "" */
	bool is_given;	  /* it is this run's to use */
};

struct prepared {
	char *abra;  /* its version, as it printed it */
	char *suite; /* where it was found, as SUITES is set; "defaults": there is none */
	char *suite_hash;
	char *recipe_tests_hash;
	bool is_default;	     /* the head is the default branch's */
	char *base_problem;	     /* why the upgrade is not tried, whole; "" when it is */
	struct results_pair *images; /* service of the head, digest */
	size_t image_count;
	struct results_pair *tags; /* service of the head, image as it names it */
	size_t tag_count;
	struct results_allowed_list allowed; /* of head and base */
	struct prepared_need *needs;	     /* in the order in which they are deployed */
	size_t need_count;
	struct results_phase *phases;
	size_t phase_count;
};
void prepared_init(struct prepared *prepared);
void prepared_release(struct prepared *prepared);
DEFINE_AUTO(prepared, prepared_release);
void prepared_add_image(struct prepared *prepared, const char *service, const char *digest);
void prepared_add_tag(struct prepared *prepared, const char *service, const char *name);
/*
 * The images that the run is about to need, in its directory: on disk before they are looked for,
 * so that prune lets them be. Added to those that are noted already.
 */
#define PREPARED_IMAGES_FILE "images"
int prepared_note_images(
    const struct run *run, const struct image_list *images, struct err *err) CHECKED;
void prepared_add_need(struct prepared *prepared, const char *recipe, const char *prefix,
    const char *commit, const char *version);
/*
 * The need as a run within the run (run_beside()), which has what this run alone has of it. Domain
 * and stack of one that was given are those of the app that runs share.
 */
int prepared_open_need(const struct settings *settings, const struct run *run,
    const struct prepared_need *need, struct run *out, struct err *err) CHECKED;
void prepared_add_phase(struct prepared *prepared, const char *name, double seconds);

int prepared_save(const struct run *run, const struct prepared *prepared, struct err *err) CHECKED;
/* ERR_MISSING: prepare did not come so far. */
int prepared_load(const struct run *run, struct prepared *out, struct err *err) CHECKED;

#endif
