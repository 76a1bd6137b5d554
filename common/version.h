/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The version both programs print and write into results; the build passes CCCI_VERSION. */
#ifndef CCCI_VERSION_H
#define CCCI_VERSION_H

#ifndef CCCI_VERSION
#define CCCI_VERSION "0.1.0"
#endif

#endif
