/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What Prometheus is told of the bridge, in its text format, names and units by its conventions.
 * Pure: who counts is elsewhere, and hands the numbers over.
 *
 *   metrics_write(&facts, out)
 *   metrics_note_lag(&lag, late_ns)
 *
 * A new row: its number below, its line in metrics_write(), its row in docs/metrics.md.
 */
#ifndef CCCI_BRIDGE_METRICS_H
#define CCCI_BRIDGE_METRICS_H

#include "bridge/job.h"
#include "common/buf.h"

/* What came of a request to a peer: its status by hundreds, or no whole answer. */
enum metrics_answer {
	METRICS_ANSWER_NONE,
	METRICS_ANSWER_2XX,
	METRICS_ANSWER_3XX,
	METRICS_ANSWER_4XX,
	METRICS_ANSWER_5XX,
};
#define METRICS_ANSWER_COUNT (METRICS_ANSWER_5XX + 1)
enum metrics_answer metrics_answer_of(int status); /* 0: none */

struct metrics_peer {
	const char *name; /* "forge"; borrowed */
	bool is_up;
	uint64_t answers[METRICS_ANSWER_COUNT];
	size_t odd_items; /* of lists, left out because they make no sense */
};
#define METRICS_PEERS_MAX 4

/* Since the start. */
struct metrics_events {
	uint64_t heard, refused;
	uint64_t second_tries; /* builds after an error of ours */
	uint64_t verdicts[VERDICT_COUNT];
};

/* Since the start: times that NOTIFY_COMMAND was run, and news that no try could tell. */
struct metrics_notices {
	uint64_t told, failed, lost;
};

/* How late the loop came to what was due, in buckets. */
#define METRICS_LAG_BUCKETS 6
struct metrics_lag {
	uint64_t
	    counts[METRICS_LAG_BUCKETS + 1]; /* each of its own bucket; the last: later than all */
	int64_t sum_ns;
};
void metrics_note_lag(struct metrics_lag *lag, int64_t late_ns);

struct metrics {
	const char *version;	      /* borrowed */
	int64_t started_s;	      /* wall time, as all *_s here that are no age */
	size_t jobs[JOB_STATE_COUNT]; /* in memory */
	int64_t oldest_waiting_s;     /* age of the oldest that has not begun to run; 0: none */
	size_t repositories, unheard, without_webhook;
	int64_t polled_s; /* the last poll that was answered; 0: none */
	struct metrics_peer peers[METRICS_PEERS_MAX];
	size_t peer_count;
	struct metrics_events events;
	struct metrics_lag lag;
	bool is_store_well, are_settings_well;
	int64_t store_bytes, store_free_bytes;
	uint64_t forgotten; /* jobs */
	struct metrics_notices notices;
};

void metrics_write(const struct metrics *facts, struct buf *out);

#endif
