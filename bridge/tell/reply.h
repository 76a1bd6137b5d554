/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a job to the Markdown of our one comment. Pure: the same facts give the same text, so that
 * an edit is due exactly when the text differs from what stands there.
 *
 *   AUTO(buf) text = buf_make(REPLY_MAX_BYTES);
 *   reply_write(&facts, &text);
 *
 * Text from outside (reasons, names, log lines) never acts, see markdown.h. The last line is hidden
 * and for machines; by it we find our comment again after a crash.
 */
#ifndef CCCI_BRIDGE_REPLY_H
#define CCCI_BRIDGE_REPLY_H

#include "bridge/job.h"
#include "bridge/queue.h"
#include "common/buf.h"
#include "common/results.h"

#define REPLY_MAX_BYTES (60 * 1024)   /* GITEA_BODY_MAX_BYTES less a margin */
#define REPLY_EVIDENCE_MAX_BYTES 4096 /* of one stage; the run's page has the rest */
#define REPLY_STEP_NAME_SIZE 64
#define REPLY_REFUSALS_PER_HOUR 3 /* of one author in one pull request; the last one says so */

enum reply_step_state {
	REPLY_STEP_WAITING,
	REPLY_STEP_RUNNING,
	REPLY_STEP_PASSED,
	REPLY_STEP_FAILED,
	REPLY_STEP_SKIPPED,
	REPLY_STEP_ENDED, /* killed, or an error of the CI server's */
};
struct reply_step {
	char name[REPLY_STEP_NAME_SIZE];
	enum reply_step_state state;
	int64_t seconds;   /* of a step that is over */
	int64_t started_s; /* of one that runs; 0: not known */
};

/* What is in front of our build; of several the one that has been there longest. */
struct reply_ahead {
	int64_t build;	    /* 0: nothing */
	const char *recipe; /* "" when it is not one of ours */
	int64_t pr;
	int64_t running_s; /* -1: it waits too */
	int64_t usual_s;   /* 0: not known */
	size_t more;	   /* besides this one */
	int64_t wait_s;	   /* until ours begins, if all goes as usual; 0: not known */
};

struct reply_facts {
	const struct job *job;
	const struct results *results; /* NULL: none */
	const struct reply_step *steps;
	size_t step_count;
	struct reply_ahead ahead;
	struct queue_place place; /* of one whose build is not asked for yet; zero: not judged */
	int64_t usual_s;	  /* of this recipe; 0: not known */
	int64_t now_s;		  /* used with minutes only, so that a text holds a minute */
	const char *builds_url;	  /* "https://drone.example.org/org/cc-ci"; "": not known yet */
	const char *pages_url;	  /* where the run has a page; NULL: nowhere that people can see */
	const char *trigger;
	const char *ci_repo, *ci_branch; /* where the suites in force are */
};

void reply_write(const struct reply_facts *facts, struct buf *out);
/* What it came to: "failed at upgrade". results: NULL: none. */
void reply_verdict_words(const struct job *job, const struct results *results, struct buf *out);
/* The words that do the same on a machine of one's own; raw. */
void reply_command(const struct job *job, struct buf *out);
/* The sentence for a refused command that is the last one answered for this hour. */
void reply_add_limit_note(char *reason, size_t reason_size);
/* What !testme help answers, as the reason of a job that is not run. */
void reply_help(const char *trigger, char *reason, size_t reason_size);

/* What !testme status answers; newest: NULL when nothing was run in the pull request yet. */
void reply_status(const struct job *newest, int64_t now_s, char *sentence, size_t sentence_size);

/* True when the text ends in our hidden line for that comment, or that id of a build by hand. */
bool reply_is_for(const char *body, int64_t comment);

#endif
