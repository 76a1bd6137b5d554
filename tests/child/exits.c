/* SPDX-License-Identifier: GPL-3.0-or-later */
/* exits STATUS: a program that ends like a shell that found no program. */
#include <stdlib.h>

int main(int count, char **arguments)
{
	return count == 2 ? (int)strtol(arguments[1], NULL, 10) : 99;
}
