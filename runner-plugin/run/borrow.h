/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The front's part in apps that runs share (shared.h): once a run is prepared, it asks for those
 * that the run needs, and waits until each is up and well. It starts one that is not there, as no
 * keeper can: what a keeper starts ends with its run.
 *
 *   borrow_needs(&borrow, &waiter, fd, &run, err)
 *
 * What was given, or was not, stands in prepared.json. A need that was not given is no error here:
 * the first stage that deploys says what came of it.
 */
#ifndef CCCI_BORROW_H
#define CCCI_BORROW_H

#include "runner-plugin/run/run.h"
#include "runner-plugin/run/waiter.h"

struct borrow {
	const struct settings *settings;
	const char *const *environ;
	const char *checkout; /* of the CI repository, absolute; NULL: none */
};

/* fd: to the run's own keeper. ERR_MISSING: that has ended, or was asked to. */
int borrow_needs(const struct borrow *borrow, struct waiter *waiter, int fd, const struct run *run,
    struct err *err) CHECKED;

#endif
