/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Says which of its descriptors are a terminal, how wide it is, and a line that a terminal in its
 * usual mode would change. */
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(void)
{
	struct winsize size = {0};
	int terminals = isatty(0) + isatty(1) + isatty(2);

	(void)ioctl(0, TIOCGWINSZ, &size);
	(void)printf("terminals=%d columns=%d controlling=%d\n", terminals, size.ws_col,
	    ttyname(0) != NULL && tcgetpgrp(0) >= 0);
	(void)fflush(stdout);
	(void)fputs("on stderr\n", stderr);
	return 3;
}
