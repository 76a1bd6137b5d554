/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "common/golang.h"

static const struct {
	const char *text;
	const char *reads; /* NULL: no integer */
} ints[] = {
    {"0", "0"},
    {"10", "10"},
    {"-10", "-10"},
    {"+10", "10"},
    {"010", "8"},
    {"0o17", "15"},
    {"0x1F", "31"},
    {"-0x1f", "-31"},
    {"0b101", "5"},
    {"-0", "0"},
    {"9223372036854775807", "9223372036854775807"},
    {"-9223372036854775808", "-9223372036854775808"},
    {"18446744073709551615", "18446744073709551615"},
    {"18446744073709551616", NULL},
    {"+18446744073709551615", NULL},
    {"-9223372036854775809", NULL},
    {"08", NULL},
    {"0x", NULL},
    {"0o", NULL},
    {"0b2", NULL},
    {"", NULL},
    {"-", NULL},
    {"1_0", NULL},
    {"1e3", NULL},
    {" 1", NULL},
    {"1.0", NULL},
};

START_TEST(reads_integers)
{
	char *out = NULL;
	bool is_int = golang_int(ints[_i].text, &out);

	ck_assert_int_eq(is_int, ints[_i].reads != NULL);
	if (is_int)
		ck_assert_str_eq(out, ints[_i].reads);
	free(out);
}
END_TEST

static const struct {
	const char *text;
	const char *prints; /* NULL: no float */
} floats[] = {
    {"0", "0"},
    {"1.0", "1"},
    {"1.5", "1.5"},
    {".5", "0.5"},
    {"5.", "5"},
    {"-2.50", "-2.5"},
    {"1_0.5", "10.5"},
    {"100000", "100000"},
    {"1e6", "1e+06"},
    {"12345678", "1.2345678e+07"},
    {"1e20", "1e+20"},
    {"0.0001", "0.0001"},
    {"0.00001", "1e-05"},
    {"0.1", "0.1"},
    {"1E+3", "1000"},
    {"1e400", NULL},
    {"1e", NULL},
    {"1__0", NULL},
    {"_1", NULL},
    {"1_", NULL},
    {"0x1p4", NULL},
    {"inf", NULL},
    {"nan", NULL},
    {"", NULL},
    {".", NULL},
    {"1 ", NULL},
    {"--1", NULL},
};

START_TEST(reads_and_prints_floats)
{
	double value = 0;
	bool is_float = golang_float(floats[_i].text, &value);

	ck_assert_int_eq(is_float, floats[_i].prints != NULL);
	if (!is_float)
		return;
	auto_str char *printed = golang_print(value);
	ck_assert_str_eq(printed, floats[_i].prints);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("golang");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, reads_integers, 0, COUNT_OF(ints));
	tcase_add_loop_test(tc, reads_and_prints_floats, 0, COUNT_OF(floats));
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
