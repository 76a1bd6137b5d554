/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The word that was meant: for whoever mistyped a key, a flag or a name. Pure.
 *
 *   const char *meant = nearest_word("pol-interval", words, COUNT_OF(words));
 *   if (meant)
 *           ... "did you mean %s?" ...
 */
#ifndef CCCI_NEAREST_H
#define CCCI_NEAREST_H

#include "common/base.h"

/* The candidate nearest to word by edit distance, when near enough to suggest; NULL else. */
const char *nearest_word(const char *word, const char *const *candidates, size_t count);

#endif
