/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness.h"

#include "common/file.h"
#include "runner-plugin/run/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

static struct json *make_message(const char *text)
{
	struct json *message = json_new_object();

	json_set_text(message, "say", text);
	return message;
}

START_TEST(passes_messages_and_descriptors)
{
	AUTO_PTR(json) message = make_message("hello");
	AUTO(channel_packet) packet = {0};
	struct err err = {0};
	int pair[2];
	int step[2];

	ck_assert_msg(channel_pair(pair, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(pipe2(step, O_CLOEXEC), 0);
	ck_assert_msg(
	    channel_send(pair[0], message, (int[]){step[1], step[1]}, 2, &err) == 0, "%s", err.msg);
	ck_assert_msg(channel_receive(pair[1], &packet, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(json_get_text(packet.message, "say"), "hello");
	ck_assert_uint_eq(packet.fd_count, 2);
	ck_assert_int_eq(fcntl(packet.fds[0], F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(write(packet.fds[1], "x", 1), 1);
	char byte = 0;
	ck_assert_int_eq(read(step[0], &byte, 1), 1);
	/* Once everybody has let go the pipe ends: a packet that is released holds nothing. */
	channel_packet_release(&packet);
	(void)close(step[1]);
	ck_assert_int_eq(read(step[0], &byte, 1), 0);
	(void)close(step[0]);
	(void)close(pair[0]);
	ck_assert_int_eq(channel_receive(pair[1], &packet, &err), -1);
	ck_assert_int_eq(err.code, ERR_MISSING);
	ck_assert_int_eq(channel_send(pair[1], message, NULL, 0, &err), -1);
	ck_assert_int_eq(err.code, ERR_MISSING);
	(void)close(pair[1]);
}
END_TEST

START_TEST(works_in_a_directory_of_any_length)
{
	auto_str char *dir = harness_dir();
	auto_str char *deep = xasprintf("%s/%0100d/%0100d", dir, 1, 2);
	AUTO_PTR(json) message = make_message("hello");
	AUTO(channel_packet) packet = {0};
	struct err err = {0};

	ck_assert_int_eq(file_make_dirs(deep, 0700, &err), 0);
	auto_fd int listen_fd = channel_listen(deep, &err);
	ck_assert_msg(listen_fd >= 0, "%s", err.msg);
	ck_assert_int_eq(channel_accept(listen_fd), -1);
	auto_fd int front = channel_connect(deep, &err);
	ck_assert_msg(front >= 0, "%s", err.msg);
	auto_fd int keeper = channel_accept(listen_fd);
	ck_assert_int_ge(keeper, 0);
	ck_assert_int_eq(channel_send(front, message, NULL, 0, &err), 0);
	ck_assert_int_eq(channel_receive(keeper, &packet, &err), 0);
}
END_TEST

START_TEST(knows_when_nobody_listens)
{
	auto_str char *dir = harness_dir();
	struct err err = {0};

	ck_assert_int_eq(channel_connect("/nonexistent", &err), -1);
	ck_assert_int_eq(err.code, ERR_MISSING);
	ck_assert_int_eq(channel_connect(dir, &err), -1);
	ck_assert_int_eq(err.code, ERR_MISSING);
	auto_fd int listen_fd = channel_listen(dir, &err);
	close_fd(&listen_fd); /* its socket stays, as a dead keeper's does */
	ck_assert_int_eq(channel_connect(dir, &err), -1);
	ck_assert_int_eq(err.code, ERR_MISSING);
	auto_fd int again = channel_listen(dir, &err);
	ck_assert_msg(again >= 0, "%s", err.msg);
}
END_TEST

static const char *const bad_packets[] = {"x", "[]", "1", "{\"a\":}", "null"};

START_TEST(refuses_what_is_no_object)
{
	AUTO(channel_packet) packet = {0};
	struct err err = {0};
	int pair[2];

	ck_assert_int_eq(channel_pair(pair, &err), 0);
	ck_assert_int_gt(send(pair[0], bad_packets[_i], strlen(bad_packets[_i]), 0), 0);
	ck_assert_int_eq(channel_receive(pair[1], &packet, &err), -1);
	ck_assert_int_eq(err.code, ERR_PROTOCOL);
	(void)close(pair[0]);
	(void)close(pair[1]);
}
END_TEST

/* Too long a packet is refused whole, and its descriptors are not kept. */
START_TEST(refuses_what_is_too_long)
{
	char *text = xcalloc(CHANNEL_MAX_BYTES + 2, 1);
	AUTO(channel_packet) packet = {0};
	struct err err = {0};
	int pair[2];

	memset(text, 'a', CHANNEL_MAX_BYTES + 1);
	AUTO_PTR(json) message = make_message(text);
	ck_assert_int_eq(channel_pair(pair, &err), 0);
	ck_assert_int_eq(channel_send(pair[0], message, NULL, 0, &err), -1);
	ck_assert_int_eq(err.code, ERR_LIMIT);
	ck_assert_int_gt(send(pair[0], text, CHANNEL_MAX_BYTES + 1, 0), 0);
	ck_assert_int_eq(channel_receive(pair[1], &packet, &err), -1);
	ck_assert_int_eq(err.code, ERR_PROTOCOL);
	free(text);
	(void)close(pair[0]);
	(void)close(pair[1]);
}
END_TEST

START_TEST(never_waits_to_tell_progress)
{
	AUTO_PTR(json) message = make_message("progress");
	struct err err = {0};
	int pair[2];

	ck_assert_int_eq(channel_pair(pair, &err), 0);
	for (int i = 0; i < 10000; i++) /* nobody reads */
		channel_offer(pair[0], message);
	(void)close(pair[1]);
	channel_offer(pair[0], message);
	(void)close(pair[0]);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("channel");
	TCase *tc = tcase_create("channel");

	tcase_add_test(tc, passes_messages_and_descriptors);
	tcase_add_test(tc, works_in_a_directory_of_any_length);
	tcase_add_test(tc, knows_when_nobody_listens);
	tcase_add_loop_test(tc, refuses_what_is_no_object, 0, COUNT_OF(bad_packets));
	tcase_add_test(tc, refuses_what_is_too_long);
	tcase_add_test(tc, never_waits_to_tell_progress);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
