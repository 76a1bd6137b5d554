/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Says what it was born with: session, group, signals, descriptors, stdin, directory, environment,
 * the signal that its parent's death is.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

extern char **environ;

static int count_unusual_signals(void)
{
	int unusual = 0;

	for (int number = 1; number < NSIG; number++) {
		struct sigaction action;

		if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
			unusual++;
	}
	return unusual;
}

static int count_blocked_signals(void)
{
	sigset_t mask;
	int blocked = 0;

	(void)sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int number = 1; number < NSIG; number++)
		blocked += sigismember(&mask, number) == 1;
	return blocked;
}

static int count_descriptors(void)
{
	int count = -1; /* the one of the listing itself */
	DIR *dir = opendir("/proc/self/fd");

	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
		count += entry->d_name[0] != '.';
	(void)closedir(dir);
	return count;
}

int main(void)
{
	char directory[4096];
	char byte = 0;
	int variables = 0;
	int dies_by = 0;

	while (environ[variables])
		variables++;
	(void)prctl(PR_GET_PDEATHSIG, &dies_by);
	(void)printf("leads=%d blocked=%d handled=%d fds=%d stdin=%zd directory=%s variables=%d "
		     "dies_by=%d\n",
	    getsid(0) == getpid() && getpgrp() == getpid(), count_blocked_signals(),
	    count_unusual_signals(), count_descriptors(), read(0, &byte, 1),
	    getcwd(directory, sizeof(directory)), variables, dies_by);
	return 0;
}
