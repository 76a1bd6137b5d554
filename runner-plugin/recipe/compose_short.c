/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/recipe/compose_short.h"

#include "common/golang.h"

#include <ctype.h>
#include <strings.h>

#define PORTS_MAX 4096 /* of one service; docker has no limit, and nobody so many */

/* --- mounts --- */

/*
 * How long the letter is that the text begins with; 0: it begins with none. Go knows which of all
 * characters are letters; here what lies behind ASCII's and Latin-1's signs is one.
 */
static size_t letter_length(const char *text)
{
	const unsigned char *bytes = (const unsigned char *)text;
	size_t length = 1;

	if (bytes[0] < 0x80)
		return isalpha(bytes[0]) ? 1 : 0;
	if (bytes[0] < 0xc3 || (bytes[0] == 0xc3 && (bytes[1] == 0x97 || bytes[1] == 0xb7)))
		return 0;
	while ((bytes[length] & 0xc0) == 0x80)
		length++;
	return length;
}

static bool begins_with_drive(const char *text)
{
	size_t length = letter_length(text);

	return length && text[length] == ':';
}

/* A path of the host, in the eyes of docker: it cannot know the host's system. */
static bool is_host_path(const char *source)
{
	return strchr("./~", source[0]) || text_starts(source, "\\\\") || begins_with_drive(source);
}

/* Where the section ends: at a colon that does not stand behind a drive's letter. */
static size_t section_length(const char *text)
{
	size_t drive = begins_with_drive(text) ? letter_length(text) + 1 : 0;

	return drive + strcspn(text + drive, ":");
}

static void take_options(const char *options, size_t length, struct compose_mount *out)
{
	auto_str char *copy = xstrndup(options, length);
	char *rest = copy;
	char *option = NULL;

	while ((option = strsep(&rest, ","))) {
		if (text_is(option, "ro"))
			out->is_read_only = true;
		else if (text_is(option, "rw"))
			out->is_read_only = false;
	}
}

static void set_mount(struct compose_mount *out, bool is_bind, char *take_source, char *take_target)
{
	out->type = is_bind ? COMPOSE_BIND : COMPOSE_VOLUME;
	out->type_word = xstrdup(is_bind ? "bind" : "volume");
	out->source = take_source;
	out->target = take_target;
}

int compose_short_mount(const char *spec, struct compose_mount *out, struct err *err)
{
	const char *sections[3];
	size_t lengths[3];
	size_t count = 0;
	struct compose_mount mount = {0};

	if (!*spec)
		return err_set(err, ERR_CONFIG, "an empty mount");
	for (const char *at = spec;; at += lengths[count - 1] + 1) {
		if (count == COUNT_OF(sections))
			return err_set(
			    err, ERR_CONFIG, "the mount \"%.80s\" has too many colons", spec);
		sections[count] = at;
		/* Two bytes are a target, whatever they are. */
		lengths[count] = strlen(spec) <= 2 ? strlen(spec) : section_length(at);
		if (!lengths[count])
			return err_set(err, ERR_CONFIG,
			    "the mount \"%.80s\" has nothing %s: a variable that is not set?", spec,
			    count ? "behind a colon" : "before its colon");
		count++;
		if (!at[lengths[count - 1]])
			break;
	}
	if (count == COUNT_OF(sections))
		take_options(sections[2], lengths[2], &mount);
	if (count == 1) {
		set_mount(&mount, false, xstrdup(""), xstrdup(spec));
	} else {
		char *source = xstrndup(sections[0], lengths[0]);

		set_mount(&mount, is_host_path(source), source, xstrndup(sections[1], lengths[1]));
	}
	*out = mount;
	return 0;
}

/* --- ports --- */

struct range {
	int64_t first, last;
};

/* Digits alone: no sign, no blank. */
static bool read_port(const char *text, size_t length, int64_t *out)
{
	auto_str char *copy = xstrndup(text, length);

	return length && strspn(copy, "0123456789") == length && parse_int64(copy, 0, 65535, out);
}

/* "80" or "80-90"; what stands behind a second hyphen does not count. */
static bool read_range(const char *text, struct range *out)
{
	size_t length = strcspn(text, "-");

	if (!read_port(text, length, &out->first))
		return false;
	if (!text[length]) {
		out->last = out->first;
		return true;
	}
	text += length + 1;
	return read_port(text, strcspn(text, "-"), &out->last) && out->last >= out->first;
}

static void add_port(struct compose_port **ports, size_t *count, int64_t target, int64_t published,
    const char *protocol)
{
	*ports = xrealloc_array(*ports, *count + 1, sizeof(**ports));
	(*ports)[(*count)++] = (struct compose_port){
	    .target = target,
	    .published = published,
	    .protocol = xstrdup(protocol),
	};
}

static bool is_groups(const char *text, size_t *groups)
{
	while (*text) {
		size_t digits = strspn(text, "0123456789abcdefABCDEF");

		if (digits == 0 || digits > 4)
			return false;
		++*groups;
		text += digits;
		if (!*text)
			return true;
		if (*text++ != ':' || !*text)
			return false;
	}
	return true;
}

static bool is_ipv4(const char *text)
{
	for (int i = 0; i < 4; i++) {
		size_t digits = strspn(text, "0123456789");

		if (digits == 0 || digits > 3 || (digits > 1 && *text == '0') ||
		    (digits == 3 && strncmp(text, "255", 3) > 0))
			return false;
		text += digits;
		if (i < 3 && *text++ != '.')
			return false;
	}
	return !*text;
}

/* Groups of hex digits, at most one "::", perhaps an IPv4 address at the end. */
static bool is_ipv6(const char *text)
{
	auto_str char *copy = xstrdup(text);
	char *gap = strstr(copy, "::");
	char *last = strrchr(copy, ':');
	size_t groups = 0;

	if (last && strchr(last, '.')) {
		if (!is_ipv4(last + 1))
			return false;
		groups = 2;
		last[last == gap + 1 && gap ? 1 : 0] = '\0';
		if (last == copy)
			return false;
	}
	if (!gap)
		return is_groups(copy, &groups) && groups == 8;
	*gap = '\0';
	return is_groups(copy, &groups) && is_groups(gap + 2, &groups) && groups < 8;
}

static bool is_address(const char *text)
{
	return strchr(text, ':') ? is_ipv6(text) : is_ipv4(text);
}

/* The host's address in front of it all, which Swarm ignores: it has to be one all the same. */
static bool is_host_address(const char *text)
{
	size_t length = strlen(text);

	if (text[0] != '[')
		return is_address(text);
	if (text[length - 1] != ']')
		return false;
	auto_str char *inside = xstrndup(text + 1, length - 2);
	return !*inside || is_address(inside);
}

struct port_parts {
	char *address;	 /* "" none */
	char *published; /* "" none */
	char *target;
	char *protocol;
};

static void port_parts_release(struct port_parts *parts)
{
	free(parts->address);
	free(parts->published);
	free(parts->target);
	free(parts->protocol);
}
DEFINE_AUTO(port_parts, port_parts_release);

static struct port_parts split_port(const char *spec)
{
	struct port_parts parts = {0};
	const char *last = strrchr(spec, ':');
	const char *target = last ? last + 1 : spec;
	const char *slash = strchr(target, '/');
	size_t host_length = last ? (size_t)(last - spec) : 0;
	auto_str char *host = xstrndup(spec, host_length);
	char *colon = strrchr(host, ':');
	size_t protocol_length = slash ? strcspn(slash + 1, "/") : 0;

	parts.published = xstrdup(colon ? colon + 1 : host);
	if (colon)
		*colon = '\0';
	parts.address = xstrdup(colon ? host : "");
	parts.target = xstrndup(target, strcspn(target, "/"));
	parts.protocol = protocol_length ? xstrndup(slash + 1, protocol_length) : xstrdup("tcp");
	for (char *c = parts.protocol; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return parts;
}

static int compare_as_text(const void *a, const void *b)
{
	const struct compose_port *left = a;
	const struct compose_port *right = b;
	char texts[2][32];

	/* docker sorts the targets as texts, "80/tcp" after "8080/tcp" */
	(void)format_text(texts[0], sizeof(texts[0]), "%lld/", (long long)left->target);
	(void)format_text(texts[1], sizeof(texts[1]), "%lld/", (long long)right->target);
	return strcmp(texts[0], texts[1]);
}

int compose_short_ports(
    const char *spec, struct compose_port **ports, size_t *count, struct err *err)
{
	AUTO(port_parts) parts = split_port(spec);
	struct range target = {0};
	struct range published = {0};
	size_t before = *count;

	if (*parts.address && !is_host_address(parts.address))
		return err_set(err, ERR_CONFIG, "port \"%.80s\": \"%.60s\" is no IP address", spec,
		    parts.address);
	if (!read_range(parts.target, &target))
		return err_set(err, ERR_CONFIG,
		    "port \"%.80s\": the port in the container is no port or range", spec);
	if (*parts.published && !read_range(parts.published, &published))
		return err_set(
		    err, ERR_CONFIG, "port \"%.80s\": the host's is no port or range", spec);
	int64_t targets = target.last - target.first;
	int64_t hosts = published.last - published.first;
	if (*parts.published && targets && targets != hosts)
		return err_set(
		    err, ERR_CONFIG, "port \"%.80s\": the two ranges differ in length", spec);
	if (!text_is(parts.protocol, "tcp") && !text_is(parts.protocol, "udp") &&
	    !text_is(parts.protocol, "sctp"))
		return err_set(err, ERR_CONFIG,
		    "port \"%.80s\": \"%.20s\" is none of tcp, udp, sctp", spec, parts.protocol);
	if (*count + (size_t)(targets + hosts) > PORTS_MAX)
		return err_set(err, ERR_LIMIT, "too many ports");
	/* One target to a range of the host's: each of them leads there. */
	for (int64_t i = 0; !targets && i <= hosts; i++)
		add_port(ports, count, target.first, published.first + i, parts.protocol);
	for (int64_t i = 0; targets && i <= targets; i++)
		add_port(ports, count, target.first + i, *parts.published ? published.first + i : 0,
		    parts.protocol);
	if (targets)
		qsort(*ports + before, *count - before, sizeof(**ports), compare_as_text);
	return 0;
}

/* --- sizes, durations, commands --- */

/* The unit's factor; 0: no unit. "k", "kb", "kib", any case; "b" and nothing are bytes. */
static double unit_factor(const char *unit)
{
	static const char letters[] = "kmgtp";
	const char *letter =
	    *unit ? memchr(letters, tolower((unsigned char)*unit), sizeof(letters) - 1) : NULL;

	if (!*unit || strcasecmp(unit, "b") == 0)
		return 1;
	if (!letter ||
	    (unit[1] && strcasecmp(unit + 1, "b") != 0 && strcasecmp(unit + 1, "ib") != 0))
		return 0;
	return (double)(1ULL << (10 * (letter - letters + 1)));
}

bool compose_short_size(const char *text, int64_t *out)
{
	size_t length = strlen(text);
	double number = 0;

	while (length && !strchr("0123456789. ", text[length - 1]))
		length--;
	if (!length)
		return false;
	/* One blank may stand between number and unit. */
	auto_str char *digits = xstrndup(text, text[length - 1] == ' ' ? length - 1 : length);
	double factor = unit_factor(text + length);
	if (!golang_float(digits, &number) || number < 0 || factor <= 0)
		return false;
	number *= factor;
	/* What does not fit becomes the least of all on amd64. */
	*out = number < 9223372036854775808.0 ? (int64_t)number : INT64_MIN;
	return true;
}

struct duration_unit {
	const char *word;
	double nanoseconds;
};

static const struct duration_unit *find_unit(const char *text, size_t length)
{
	static const struct duration_unit units[] = {
	    {"ns", 1},
	    {"us", 1e3},
	    {"\xc2\xb5s", 1e3}, /* micro sign */
	    {"\xce\xbcs", 1e3}, /* mu */
	    {"ms", 1e6},
	    {"s", 1e9},
	    {"m", 60e9},
	    {"h", 3600e9},
	};

	for (size_t i = 0; i < COUNT_OF(units); i++) {
		if (strlen(units[i].word) == length && strncmp(units[i].word, text, length) == 0)
			return &units[i];
	}
	return NULL;
}

bool compose_short_is_duration(const char *text)
{
	double total = 0;

	text += *text == '+' || *text == '-';
	if (text_is(text, "0"))
		return true;
	if (!*text)
		return false;
	while (*text) {
		size_t whole = strspn(text, "0123456789");
		size_t point = text[whole] == '.';
		size_t part = point ? strspn(text + whole + 1, "0123456789") : 0;
		auto_str char *number = xstrndup(text, whole + point + part);

		text += whole + point + part;
		size_t length = strcspn(text, ".0123456789");
		const struct duration_unit *unit = find_unit(text, length);
		if ((!whole && !part) || !unit)
			return false;
		total += strtod(number, NULL) * unit->nanoseconds;
		text += length;
	}
	return total < 9223372036854775808.0;
}

bool compose_short_is_command(const char *text)
{
	char quote = '\0';
	bool is_in_word = false;

	for (; *text; text++) {
		if (*text == '\\' && quote != '\'') {
			if (!*++text)
				return false;
			is_in_word = true;
		} else if (quote) {
			quote = *text == quote ? '\0' : quote;
		} else if (*text == '"' || *text == '\'') {
			quote = *text;
			is_in_word = true;
		} else if (*text == '#' && !is_in_word) {
			text += strcspn(text, "\n");
			if (!*text)
				return true;
		} else {
			is_in_word = !strchr(" \t\r\n", *text);
		}
	}
	return !quote;
}
