/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The name in a TLS client's first message: hello.h, over messages made here byte by byte. */
#include <check.h>

#include "harness.h"

#include "common/buf.h"
#include "runner-plugin/checks/hello.h"

/* --- making one --- */

static void add_number(struct buf *out, size_t number, size_t bytes)
{
	while (bytes--)
		(void)buf_add_char(out, (char)(number >> (8 * bytes)));
}

/* A body behind its length. */
static void add_counted(struct buf *out, const struct buf *body, size_t count_bytes)
{
	add_number(out, body->length, count_bytes);
	(void)buf_add(out, buf_text(body), body->length);
}

/* server_name with these names; "kind:name", comma separated. */
static void add_server_name(struct buf *out, const char *names)
{
	AUTO(buf) list = buf_make(4096);
	AUTO(buf) body = buf_make(4096);

	for (const char *at = names; *at;) {
		size_t length = strcspn(at + 2, ",");

		add_number(&list, (size_t)(*at - '0'), 1);
		add_number(&list, length, 2);
		(void)buf_add(&list, at + 2, length);
		at += 2 + length;
		at += *at == ',';
	}
	add_counted(&body, &list, 2);
	add_number(out, 0, 2);
	add_counted(out, &body, 2);
}

/* An extension that is none of ours. */
static void add_other(struct buf *out)
{
	AUTO(buf) body = buf_make(16);

	(void)buf_add(&body, "\x02\x03\x04", 3);
	add_number(out, 43, 2);
	add_counted(out, &body, 2);
}

static void add_hello(struct buf *out, const struct buf *extensions)
{
	AUTO(buf) hello = buf_make(8192);
	AUTO(buf) message = buf_make(8192);

	add_number(&hello, 0x0303, 2);
	for (int i = 0; i < 32; i++)
		add_number(&hello, (size_t)i, 1);
	(void)buf_add(&hello, "\x02id", 3);
	(void)buf_add(&hello, "\x00\x02\x13\x01", 4);
	(void)buf_add(&hello, "\x01\x00", 2);
	add_counted(&hello, extensions, 2);
	add_number(&message, 1, 1);
	add_counted(&message, &hello, 3);
	add_number(out, 22, 1);
	add_number(out, 0x0301, 2);
	add_counted(out, &message, 2);
}

/* With these server_name extensions, separated by "+", among others. */
static void make_hello(struct buf *out, const char *names)
{
	AUTO(buf) extensions = buf_make(8192);

	add_other(&extensions);
	for (const char *at = names; *at;) {
		size_t length = strcspn(at, "+");
		auto_str char *one = xstrndup(at, length);

		add_server_name(&extensions, one);
		at += length;
		at += *at == '+';
	}
	add_other(&extensions);
	add_hello(out, &extensions);
}

/* --- names --- */

static const struct {
	const char *names;
	const char *read; /* NULL: refused */
} names[] = {
    {"0:app.ci.test", "app.ci.test"}, {"0:App.CI.test", "app.ci.test"}, {"0:a", "a"},
    {"0:xn--bcher-kva.ci.test", "xn--bcher-kva.ci.test"}, {"", NULL}, {"0:", NULL},
    {"1:app.ci.test", NULL}, {"0:app.ci.test,0:other.ci.test", NULL},
    {"0:app.ci.test+0:other.ci.test", NULL}, {"0:app.ci.test+0:app.ci.test", NULL},
    {"0:app.ci.test.", NULL}, {"0:.app.ci.test", NULL}, {"0:app..test", NULL},
    {"0:app_ci.test", NULL}, {"0:app.ci.test\n", NULL}, {"0:app.ci.test/", NULL},
    {"0:\xc3\xa4pp.ci.test", NULL}, {"0:127.0.0.1", "127.0.0.1"}, /* and so of no domain */
};

START_TEST(reads_one_name)
{
	AUTO(buf) hello = buf_make(16384);
	char name[HELLO_NAME_SIZE] = "untouched";

	make_hello(&hello, names[_i].names);
	enum hello said = hello_read(buf_text(&hello), hello.length, name);
	ck_assert_int_eq(said, names[_i].read ? HELLO_NAMED : HELLO_REFUSED);
	ck_assert_str_eq(name, names[_i].read ? names[_i].read : "untouched");
}
END_TEST

START_TEST(a_name_has_a_longest)
{
	for (size_t length = HELLO_NAME_SIZE - 2; length <= HELLO_NAME_SIZE; length++) {
		AUTO(buf) hello = buf_make(16384);
		char name[HELLO_NAME_SIZE];
		auto_str char *long_name = xasprintf("0:%0*d", (int)length, 0);

		make_hello(&hello, long_name);
		ck_assert_int_eq(hello_read(buf_text(&hello), hello.length, name),
		    length < HELLO_NAME_SIZE ? HELLO_NAMED : HELLO_REFUSED);
	}
}
END_TEST

START_TEST(a_nul_ends_no_name)
{
	AUTO(buf) hello = buf_make(16384);
	char name[HELLO_NAME_SIZE];

	make_hello(&hello, "0:app.ci.test");
	char *at = memmem(hello.data, hello.length, "app.ci", 6);
	ck_assert_ptr_nonnull(at);
	at[3] = '\0';
	ck_assert_int_eq(hello_read(buf_text(&hello), hello.length, name), HELLO_REFUSED);
}
END_TEST

/* --- its form --- */

/* Every shorter one is not whole yet; whatever follows is more than a hello. */
START_TEST(waits_for_the_whole_and_for_no_more)
{
	AUTO(buf) hello = buf_make(16384);
	char name[HELLO_NAME_SIZE];

	make_hello(&hello, "0:app.ci.test");
	for (size_t length = 0; length < hello.length; length++)
		ck_assert_int_eq(hello_read(buf_text(&hello), length, name), HELLO_PARTIAL);
	ck_assert_int_eq(hello_read(buf_text(&hello), hello.length, name), HELLO_NAMED);
	(void)buf_add_char(&hello, '\x16');
	ck_assert_int_eq(hello_read(buf_text(&hello), hello.length, name), HELLO_REFUSED);
}
END_TEST

/* No length within it may say one more or one less than there is. Random, suites and the like may
 * hold anything, so these are the places that are named. */
static const struct {
	size_t at;
	unsigned char value;
} changed[] = {
    {0, 21},	/* no handshake */
    {0, 'G'},	/* no TLS at all */
    {1, 2},	/* SSL 2 */
    {3, 0x41},	/* a record that may not be */
    {5, 2},	/* another message */
    {6, 1},	/* a message over more than one record */
    {43, 3},	/* session */
    {43, 0xff}, /* beyond the end */
    {47, 4},	/* suites */
    {50, 2},	/* compressions */
    {53, 0x2c}, /* all extensions */
};

START_TEST(every_length_fits)
{
	AUTO(buf) hello = buf_make(16384);
	char name[HELLO_NAME_SIZE];

	make_hello(&hello, "0:app.ci.test");
	ck_assert_uint_ne((unsigned char)hello.data[changed[_i].at], changed[_i].value);
	hello.data[changed[_i].at] = (char)changed[_i].value;
	ck_assert_int_eq(hello_read(buf_text(&hello), hello.length, name), HELLO_REFUSED);
}
END_TEST

START_TEST(the_largest_record_ends)
{
	char *bytes = xcalloc(HELLO_MAX_BYTES, 1);
	char name[HELLO_NAME_SIZE];

	memcpy(bytes, "\x16\x03\x01\x40\x00", 5);
	ck_assert_int_eq(hello_read(bytes, HELLO_MAX_BYTES - 1, name), HELLO_PARTIAL);
	ck_assert_int_eq(hello_read(bytes, HELLO_MAX_BYTES, name), HELLO_REFUSED);
	free(bytes);
}
END_TEST

/* --- whose it is --- */

static const struct {
	const char *name, *domain;
	bool is_of;
} domains[] = {
    {"app-1.ci.test", "app-1.ci.test", true},
    {"api.app-1.ci.test", "app-1.ci.test", true},
    {"a.b.app-1.ci.test", "app-1.ci.test", true},
    {"ci.test", "app-1.ci.test", false},
    {"xapp-1.ci.test", "app-1.ci.test", false},
    {"app-2.ci.test", "app-1.ci.test", false},
    {"app-1.ci.test.example.org", "app-1.ci.test", false},
    {"drone.example.org", "app-1.ci.test", false},
};

START_TEST(knows_whose_a_name_is)
{
	ck_assert(hello_is_of(domains[_i].name, domains[_i].domain) == domains[_i].is_of);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("hello");
	TCase *tc = tcase_create("hello");

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, reads_one_name, 0, COUNT_OF(names));
	tcase_add_test(tc, a_name_has_a_longest);
	tcase_add_test(tc, a_nul_ends_no_name);
	tcase_add_test(tc, waits_for_the_whole_and_for_no_more);
	tcase_add_loop_test(tc, every_length_fits, 0, COUNT_OF(changed));
	tcase_add_test(tc, the_largest_record_ends);
	tcase_add_loop_test(tc, knows_whose_a_name_is, 0, COUNT_OF(domains));
	return suite;
}

TEST_MAIN(make_suite)
