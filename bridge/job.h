/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A job: what one comment asks for, from the moment it was heard until its answer stands; or a
 * build that somebody started by hand, which is answered alike. Pure: no clock, no store, no
 * network.
 *
 *   struct job_event event = {.kind = JOB_EVENT_CREATED, .build = 41};
 *   job_apply(&job, &event, now_s);       the table says where to and which effects become due
 *
 * An effect changes something outside: it becomes due with the move that wants it, is saved as
 * tried before it is tried and as done after. Whoever finds one "tried" after a crash looks outside
 * whether it happened, see carry.h. Edits of our comment need no row of their own: while the text
 * that stands there (told) is not the text of the job, an edit is due.
 *
 * What each state waits for, how long, and what then:
 *
 *   heard      the facts for a decision; retried with back-off until MAX_COMMENT_AGE, then refused
 *   refused    its sentence to stand in the pull request; retried with back-off
 *   asked      its turn (queue.h), then the CI server to name a build; retried with back-off, a
 *              plain no ends it
 *   queued     a runner; JOB_QUEUED_MAX_S, then lost
 *   running    the build's end; BUILD_TIMEOUT and a grace, then deleted there and lost
 *   stopping   the build's end, which somebody wants; then as ended
 *   ended      the log of the report step; JOB_REPORT_MAX_S, then judged by the server's words;
 *              an error of ours leads back to asked, once
 *   judged     the last text to stand in the pull request; retried with back-off
 *   answered   nothing
 */
#ifndef CCCI_BRIDGE_JOB_H
#define CCCI_BRIDGE_JOB_H

#include "bridge/hear/command.h"
#include "common/verdict.h"

enum job_state {
	JOB_HEARD,
	JOB_REFUSED,
	JOB_ASKED,
	JOB_QUEUED,
	JOB_RUNNING,
	JOB_STOPPING,
	JOB_ENDED,
	JOB_JUDGED,
	JOB_ANSWERED,
};
#define JOB_STATE_COUNT (JOB_ANSWERED + 1)

enum job_event_kind {
	JOB_EVENT_ALLOWED,     /* ref and parameters are pinned */
	JOB_EVENT_REFUSED,     /* reason is the sentence */
	JOB_EVENT_IGNORED,     /* nothing to say: not ours after all */
	JOB_EVENT_FOUND,       /* build: somebody started it by hand */
	JOB_EVENT_CREATED,     /* build */
	JOB_EVENT_UNBUILDABLE, /* the CI server said no for good: reason */
	JOB_EVENT_STARTED,     /* at_s */
	JOB_EVENT_ENDED,       /* at_s */
	JOB_EVENT_JUDGED,      /* verdict, level, reason, results */
	JOB_EVENT_ERRED,       /* our side failed, and may do better in a second build: reason */
	JOB_EVENT_WITHDRAWN,   /* nobody wants it any more: verdict, reason */
	JOB_EVENT_LOST,	       /* overdue, or gone from the CI server: reason */
	JOB_EVENT_TOLD,	       /* the last text stands */
	JOB_EVENT_OUTDATED, /* a newer run of its pull request began: shrink the answer to a line */
};
#define JOB_EVENT_COUNT (JOB_EVENT_OUTDATED + 1)

enum job_effect {
	JOB_EFFECT_REACT,  /* the eyes on the comment */
	JOB_EFFECT_REPLY,  /* our one comment */
	JOB_EFFECT_BUILD,  /* the build in the CI server */
	JOB_EFFECT_DELETE, /* an overdue or unwanted build out of its queue */
};
#define JOB_EFFECT_COUNT (JOB_EFFECT_DELETE + 1)

enum job_effect_state {
	JOB_EFFECT_NONE,
	JOB_EFFECT_DUE,
	JOB_EFFECT_TRIED, /* may have happened: look before it is tried again */
	JOB_EFFECT_DONE,
};

#define JOB_REPO_SIZE 160 /* as run_step.repo; Gitea allows 40 + 1 + 100 */
#define JOB_USER_SIZE 64  /* Gitea allows 40 */
#define JOB_REF_SIZE 41
#define JOB_STAGES_SIZE 128
#define JOB_FROM_SIZE 65
#define JOB_REASON_SIZE 1025 /* RESULTS_TEXT_MAX and its end */
#define JOB_VERSION_SIZE 65
#define JOB_TOLD_SIZE 65
#define JOB_TARGET_SIZE 129
#define JOB_AUTO_FIRST INT64_C(4000000000000000)  /* no forge comes so far; a double holds it */
#define JOB_NIGHT_FIRST INT64_C(4200000000000000) /* nor one of AUTO_TEST; results hold 2^52 */
#define JOB_NIGHT_TRIES 2     /* of a recipe in one night: a red run is tried once more */
#define JOB_NIGHT_IDS 1000000 /* of one night and try: more recipes than anybody has */
#define JOB_QUEUED_MAX_S (INT64_C(24) * 3600) /* a runner that is away over a day is gone */
#define JOB_REPORT_MAX_S 120		      /* the log is there 0.1 s after its step ended */

struct job {
	int64_t comment; /* its id, and the job's; of a build by hand its number below zero, of a
			    head tested by itself from JOB_AUTO_FIRST on, of a run by night from
			    JOB_NIGHT_FIRST on */
	enum job_state state;
	char repo[JOB_REPO_SIZE]; /* owner/name of the pull request */
	int64_t pr;		  /* 0: none, a run of the default branch by night */
	enum command_kind command;
	char author[JOB_USER_SIZE];
	int64_t written_s; /* when the comment was */
	int64_t heard_s;   /* when we heard it */
	int64_t moved_s;   /* when it came into this state */

	char ref[JOB_REF_SIZE];	      /* the head that was pinned; "" before */
	char target[JOB_TARGET_SIZE]; /* the branch that the head lacks commits of; "" none known */
	int64_t behind;		      /* how many; 0: not known */
	char stages[JOB_STAGES_SIZE];
	char from[JOB_FROM_SIZE];
	bool wants_extra;
	int64_t keep_min; /* how long the app is to stay up when it is judged; 0: not */
	/* The suites are to be those of the CI repository at this commit; "" those in force. */
	char suite_ref[JOB_REF_SIZE];
	int64_t suite_pr; /* the pull request whose head that is; 0: not known */

	int64_t build;	     /* 0: none yet */
	int64_t first_build; /* an error of ours, so build is the second try; 0: none */
	char first_reason[JOB_REASON_SIZE];
	int64_t started_s, ended_s; /* of the build, the CI server's clock; 0: not yet */

	bool has_verdict; /* of a withdrawn job already before its build has ended */
	enum verdict_class verdict;
	int level;
	char reason[JOB_REASON_SIZE];
	char head_version[JOB_VERSION_SIZE];
	char base_version[JOB_VERSION_SIZE];
	char *results; /* the document; owned, may be NULL */

	int64_t reply;		  /* id of our comment; 0: none yet */
	char told[JOB_TOLD_SIZE]; /* hash of the text that stands there; "" none */
	/* Hashes of the commit status that stands, and of the one that was last tried; "" none.
	 * They differ when nobody knows whether the last one came there. */
	char status_told[JOB_TOLD_SIZE], status_tried[JOB_TOLD_SIZE];
	bool is_shrunk; /* a newer run of its pull request has made it a line */

	struct {
		enum job_effect_state state;
		int64_t tried_s; /* wall time of the last try */
	} effects[JOB_EFFECT_COUNT];
};

/* What lists show of a job that has a build. All texts are borrowed, and never NULL. */
struct job_brief {
	int64_t comment, pr, build;
	int64_t heard_s, started_s, ended_s;
	enum job_state state;
	bool has_verdict;
	enum verdict_class verdict;
	int level;
	const char *repo, *author, *ref, *stages, *head_version, *base_version, *suite_ref;
	const char *outline; /* its stages: "install=pass:9.1 upgrade=fail:41.0"; "" not known */
};

struct job_event {
	enum job_event_kind kind;
	int64_t at_s;
	int64_t build;
	enum verdict_class verdict;
	int level;
	const char *reason;	  /* cut when longer; NULL: none */
	const char *head_version; /* NULL: none */
	const char *base_version;
	const char *results; /* copied */
	bool must_delete;    /* with LOST: the build still blocks the queue */
};

struct job_move {
	enum job_state next;
	unsigned effects; /* bits: 1 << enum job_effect */
};

/* The table of moves. What comes late or twice leaves the state where it is, without an effect. */
struct job_move job_step(enum job_state state, enum job_event_kind event);

/* Takes the event in: state, data, due effects. True when anything changed. */
bool job_apply(struct job *job, const struct job_event *event, int64_t now_s);

/* No results of another job come along: the copy owns its own. */
void job_copy(const struct job *from, struct job *out);
void job_release(struct job *job);
DEFINE_AUTO(job, job_release);

bool job_is_active(const struct job *job);     /* something is still to be done */
bool job_waits_for_end(const struct job *job); /* of its build */
bool job_is_in_build(const struct job *job);   /* from its start until its results are read */
bool job_is_held(const struct job *job);       /* its build was certainly not asked for yet */
bool job_may_try_again(const struct job *job); /* after an error of ours: once, while wanted */

bool job_is_by_hand(const struct job *job); /* a build that no comment asked for */
bool job_is_auto(const struct job *job);    /* a head that is tested without a comment */
bool job_is_nightly(const struct job *job); /* the default branch, once a night */
bool job_is_trial(
    const struct job *job); /* of suites that are not in force: counts for nothing else */
int64_t job_id_of_build(int64_t number);     /* of the job of a build by hand */
int64_t job_build_of(const struct job *job); /* the other way round */
/*
 * Of runs by night alone, by their ids: which night (see night.h), and the first or second try. The
 * ids of each are JOB_NIGHT_IDS from the first one on, and a later night's are higher.
 */
bool job_id_is_nightly(int64_t id);
int64_t job_night_of(int64_t id);
int64_t job_night_try(int64_t id);
int64_t job_first_of_night(int64_t night, int64_t attempt);
/* Asked for before the other one, in the same pull request. */
bool job_is_before(const struct job *job, const struct job *other);
const char *job_recipe(const struct job *job); /* the name in repo; borrowed */
const char *job_recipe_of(const char *repo);
/* What lists show of it; its stages are not known. Borrowed from the job. */
void job_brief(const struct job *job, struct job_brief *out);

const char *job_state_word(enum job_state state);
bool job_state_parse(const char *word, enum job_state *out) CHECKED;
const char *job_event_word(enum job_event_kind event);
const char *job_effect_word(enum job_effect effect);
/* Names of test points: "job.queued"; "effect.build.before" (recorded, not sent), ".sent"
 * (answered, not recorded), ".done". An edit of the reply has points of its own. */
enum job_moment { JOB_MOMENT_BEFORE, JOB_MOMENT_SENT, JOB_MOMENT_DONE };
const char *job_state_point(enum job_state state);
const char *job_effect_point(enum job_effect effect, enum job_moment moment);

/* NULL, or what is wrong with it: what must hold of any job after any event; for tests. */
const char *job_check(const struct job *job);

#endif
