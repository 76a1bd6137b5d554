/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/http.h"

#include "common/clock.h"
#include "common/version.h"

#include <curl/curl.h>
#include <errno.h>
#include <strings.h>
#include <time.h>

#define URL_MAX_BYTES 8192	      /* the longest we make has under 1,000 */
#define CONNECT_TIMEOUT_MS 10000      /* also of endless streams */
#define REFUSAL_MAX_BYTES (16 * 1024) /* body of a refused stream: a sentence of the peer */
#define LONGEST_SLEEP_MS 3600000      /* curl_multi_poll() knows no endless one */
#define ROOTS_KEPT_S 600L	      /* certificates that we trust, before they are read again */
#define SPARE_MAX 8		      /* handles kept for the next requests */

struct transfer {
	struct transfer *next;
	int64_t id;
	CURL *easy; /* NULL when the request was wrong: see early */
	struct curl_slist *headers;
	struct curl_slist *connect_to;
	struct err early;
	http_done done;
	bool (*on_data)(void *context, const char *data, size_t length);
	size_t (*on_send)(void *context, char *data, size_t most);
	void *context;
	int64_t started_ns;
	char *label; /* "GET host/path" */
	char reason[CURL_ERROR_SIZE];
	struct http_response response;
	bool is_added; /* to the multi handle */
	bool is_cancelled;
	bool is_stopped; /* on_data had enough */
	bool is_too_large;
	bool has_no_more; /* on_send ended before the body does */
};

struct http {
	CURLM *multi;
	CURLSH *sessions; /* of TLS, for the next connection to the same peer */
	CURL *spare[SPARE_MAX];
	size_t spare_count;
	bool has_roots_file;
	struct transfer *transfers;
	int64_t last_id;
	bool is_moving; /* inside libcurl, which must then not be called again */
};

void http_response_release(struct http_response *response)
{
	buf_release(&response->body);
	buf_release(&response->headers);
}

static void must(CURLcode code)
{
	if (code != CURLE_OK)
		abort(); /* memory is out, or libcurl is older than what we are built for */
}

static void must_multi(CURLMcode code)
{
	if (code != CURLM_OK)
		abort();
}

static struct curl_slist *add_line(struct curl_slist *list, const char *line)
{
	list = curl_slist_append(list, line);
	if (!list)
		abort();
	return list;
}

static void must_share(CURLSHcode code)
{
	if (code != CURLSHE_OK)
		abort();
}

/* Nothing of what was set is left in a spare one. */
static CURL *take_easy(struct http *http)
{
	CURL *easy = http->spare_count ? http->spare[--http->spare_count] : curl_easy_init();

	if (!easy)
		abort();
	must(curl_easy_setopt(easy, CURLOPT_SHARE, http->sessions));
	return easy;
}

static void give_back_easy(struct http *http, CURL *easy)
{
	if (!easy)
		return;
	if (http->spare_count == SPARE_MAX) {
		curl_easy_cleanup(easy);
		return;
	}
	curl_easy_reset(easy);
	http->spare[http->spare_count++] = easy;
}

static void transfer_free(struct http *http, struct transfer *transfer)
{
	if (transfer->is_added)
		must_multi(curl_multi_remove_handle(http->multi, transfer->easy));
	give_back_easy(http, transfer->easy);
	curl_slist_free_all(transfer->headers);
	curl_slist_free_all(transfer->connect_to);
	http_response_release(&transfer->response);
	free(transfer->label);
	free(transfer);
}

static void unlink_transfer(struct http *http, const struct transfer *transfer)
{
	for (struct transfer **at = &http->transfers; *at; at = &(*at)->next) {
		if (*at == transfer) {
			*at = transfer->next;
			return;
		}
	}
}

/* --- what libcurl calls --- */

/* Copies what stands behind "name:" in a header line, without blanks around it. */
static bool header_value(const char *line, const char *name, char *out, size_t out_size)
{
	size_t length = strlen(name);

	if (strncasecmp(line, name, length) != 0 || line[length] != ':')
		return false;
	line += length + 1;
	line += strspn(line, " \t");
	size_t size = strlen(line);
	while (size && strchr(" \t\r\n", line[size - 1]))
		size--;
	auto_str char *value = xstrndup(line, size);
	return copy_text(out, out_size, value);
}

static void read_number(const char *line, const char *name, int64_t most, int64_t *out)
{
	char text[24];
	int64_t value = 0;

	if (header_value(line, name, text, sizeof(text)) && parse_int64(text, 0, most, &value))
		*out = value;
}

static size_t on_header(char *data, size_t size, size_t count, void *context)
{
	struct http_response *response = context;
	auto_str char *line = xstrndup(data, size * count);

	(void)buf_add_text(&response->headers, line); /* holds nothing unless it is asked for */
	(void)header_value(line, "Location", response->location, sizeof(response->location));
	(void)header_value(
	    line, "Content-Type", response->content_type, sizeof(response->content_type));
	/* Only the form in seconds (RFC 9110, 10.2.3): a date needs two clocks that agree. */
	read_number(line, "Retry-After", INT32_MAX, &response->retry_after_s);
	read_number(line, "X-Total-Count", INT64_MAX, &response->total_count);
	return size * count;
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;
	size_t length = size * count;
	long status = 0;

	if (transfer->is_cancelled || transfer->is_stopped)
		return CURL_WRITEFUNC_ERROR;
	must(curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status));
	if (transfer->on_data && status < 300) {
		transfer->is_stopped = !transfer->on_data(transfer->context, data, length);
		return transfer->is_stopped ? CURL_WRITEFUNC_ERROR : length;
	}
	if (buf_add(&transfer->response.body, data, length) == 0)
		return length;
	transfer->is_too_large = true;
	return CURL_WRITEFUNC_ERROR;
}

static size_t on_read(char *data, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;

	if (transfer->is_cancelled)
		return CURL_READFUNC_ABORT;
	size_t got = transfer->on_send(transfer->context, data, size * count);
	if (got)
		return got;
	/* libcurl does not ask again once it has the whole body. */
	transfer->has_no_more = true;
	return CURL_READFUNC_ABORT;
}

/* --- from a request to a transfer --- */

static bool is_word(const char *text)
{
	return *text && text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0';
}

static int check_url(const char *url, CURLU *parsed, struct err *err)
{
	if (strlen(url) > URL_MAX_BYTES)
		return err_set(err, ERR_CONFIG, "URL is longer than %d bytes", URL_MAX_BYTES);
	CURLUcode code = curl_url_set(parsed, CURLUPART_URL, url, CURLU_DISALLOW_USER);
	if (code != CURLUE_OK)
		return err_set(err, ERR_CONFIG, "URL is none: %s", curl_url_strerror(code));
	if (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0)
		return err_set(err, ERR_CONFIG, "URL is neither http nor https");
	return 0;
}

static char *make_label(const char *method, CURLU *parsed)
{
	char *host = NULL;
	char *path = NULL;

	if (curl_url_get(parsed, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		host = NULL;
	if (curl_url_get(parsed, CURLUPART_PATH, &path, 0) != CURLUE_OK)
		path = NULL;
	char *label = xasprintf("%s %.60s%.100s", method, host ? host : "", path ? path : "");
	curl_free(host);
	curl_free(path);
	return label;
}

static int check_request(const struct http_request *request, char **out_label, struct err *err)
{
	const char *method = request->method ? request->method : "GET";
	CURLU *parsed = curl_url();

	if (!parsed)
		abort();
	int result = check_url(request->url, parsed, err);
	if (result == 0 && !is_word(method))
		result = err_set(err, ERR_CONFIG, "method is none");
	for (size_t i = 0; result == 0 && i < HTTP_HEADERS_MAX && request->headers[i]; i++) {
		if (strpbrk(request->headers[i], "\r\n"))
			result = err_set(err, ERR_CONFIG, "a header holds a line break");
	}
	if (result == 0)
		*out_label = make_label(method, parsed);
	curl_url_cleanup(parsed);
	return result;
}

static void set_headers(struct transfer *transfer, const struct http_request *request)
{
	bool has_type = false;

	for (size_t i = 0; i < HTTP_HEADERS_MAX && request->headers[i]; i++) {
		transfer->headers = add_line(transfer->headers, request->headers[i]);
		has_type |= strncasecmp(request->headers[i], "Content-Type:", 13) == 0;
	}
	/* An empty value takes away what libcurl would add by itself. */
	transfer->headers = add_line(transfer->headers, "Expect:");
	if (!has_type)
		transfer->headers = add_line(transfer->headers, "Content-Type:");
	must(curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers));
}

static void set_method(CURL *easy, const struct http_request *request)
{
	const char *method = request->method ? request->method : "GET";

	if (text_is(method, "HEAD"))
		must(curl_easy_setopt(easy, CURLOPT_NOBODY, 1L));
	if (request->on_send) {
		must(curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L));
		must(curl_easy_setopt(
		    easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body_length));
		must(curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read));
		must(curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L));
		must(curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method));
		return;
	}
	/* With a body of no bytes a POST says Content-Length: 0, which some servers insist on. */
	if (request->body || text_is(method, "POST") || text_is(method, "PUT") ||
	    text_is(method, "PATCH")) {
		must(curl_easy_setopt(
		    easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_length));
		must(curl_easy_setopt(
		    easy, CURLOPT_COPYPOSTFIELDS, request->body ? request->body : ""));
	}
	must(curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method));
	/*
	 * libcurl sends a request again by itself when a kept connection ends without an answer,
	 * whatever the method. A POST may have been heard by then: only a new connection is safe.
	 */
	if (text_is(method, "POST"))
		must(curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L));
}

static void set_limits(struct transfer *transfer, const struct http_request *request)
{
	size_t most = request->max_bytes;

	assert(request->on_data || (request->timeout_ms > 0 && most > 0));
	if (!most)
		most = REFUSAL_MAX_BYTES;
	transfer->response.body = buf_make(most);
	if (!request->on_data)
		must(curl_easy_setopt(transfer->easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)most));
	must(curl_easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms));
	must(curl_easy_setopt(transfer->easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS + 0L));
}

/*
 * libcurl keeps the roots that it read, but not where it was built to look into a directory of them
 * too, as Debian's is: then it reads the whole file, 40 ms of a processor, for each new connection.
 * The directory holds nothing that the file beside it does not. Source:
 * CURLOPT_CA_CACHE_TIMEOUT(3), libcurl 7.87.
 */
static void set_roots(CURL *easy, const char *ca_file, bool has_roots_file)
{
	if (ca_file)
		must(curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file));
	if (ca_file || has_roots_file)
		must(curl_easy_setopt(easy, CURLOPT_CAPATH, NULL));
	must(curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, ROOTS_KEPT_S));
}

static bool find_roots_file(CURL *easy)
{
	char *file = NULL;

	must(curl_easy_getinfo(easy, CURLINFO_CAINFO, &file));
	return file && access(file, R_OK) == 0;
}

static void set_peer(struct transfer *transfer, const struct http_request *request)
{
	CURL *easy = transfer->easy;

	must(curl_easy_setopt(easy, CURLOPT_URL, request->url));
	must(curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https"));
	must(curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1));
	must(curl_easy_setopt(easy, CURLOPT_PROXY, ""));
	must(curl_easy_setopt(easy, CURLOPT_NOPROXY, "*"));
	must(curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L));
	must(curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L));
	must(curl_easy_setopt(easy, CURLOPT_USERAGENT, "ccci/" CCCI_VERSION));
	if (request->unix_socket && request->unix_socket[0] == '@')
		must(
		    curl_easy_setopt(easy, CURLOPT_ABSTRACT_UNIX_SOCKET, request->unix_socket + 1));
	else
		must(curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, request->unix_socket));
	if (request->connect_to) {
		auto_str char *line = xasprintf("::%s", request->connect_to);

		transfer->connect_to = add_line(NULL, line);
		must(curl_easy_setopt(easy, CURLOPT_CONNECT_TO, transfer->connect_to));
	}
	must(curl_easy_setopt(easy, CURLOPT_SSLCERT, request->client_cert));
	must(curl_easy_setopt(easy, CURLOPT_SSLKEY, request->client_key));
}

static void set_callbacks(struct transfer *transfer)
{
	CURL *easy = transfer->easy;

	must(curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer));
	must(curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->reason));
	must(curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header));
	must(curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer->response));
	must(curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body));
	must(curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer));
	must(curl_easy_setopt(easy, CURLOPT_READDATA, transfer));
}

static void transfer_prepare(
    struct http *http, struct transfer *transfer, const struct http_request *request)
{
	if (check_request(request, &transfer->label, &transfer->early) < 0)
		return;
	transfer->easy = take_easy(http);
	transfer->on_data = request->on_data;
	transfer->on_send = request->on_send;
	transfer->response.retry_after_s = -1;
	transfer->response.total_count = -1;
	if (request->keep_headers)
		transfer->response.headers = buf_make(HTTP_KEPT_MAX_BYTES);
	if (request->keep_certificate)
		must(curl_easy_setopt(transfer->easy, CURLOPT_CERTINFO, 1L));
	set_peer(transfer, request);
	set_roots(transfer->easy, request->ca_file, http->has_roots_file);
	set_headers(transfer, request);
	set_method(transfer->easy, request);
	set_limits(transfer, request);
	set_callbacks(transfer);
}

/* --- how a transfer ended --- */

static enum err_code code_of(CURLcode code)
{
	/* Whatever is not here is an answer that makes no sense; HTTP/0.9, which is to say no HTTP
	 * at all, is CURLE_UNSUPPORTED_PROTOCOL. */
	static const struct {
		CURLcode curl;
		enum err_code code;
	} rows[] = {
	    {CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT},
	    {CURLE_COULDNT_RESOLVE_HOST, ERR_TRANSIENT},
	    {CURLE_COULDNT_CONNECT, ERR_TRANSIENT},
	    {CURLE_SSL_CONNECT_ERROR, ERR_TRANSIENT}, /* also a reset in the handshake */
	    {CURLE_PARTIAL_FILE, ERR_TRANSIENT},
	    {CURLE_GOT_NOTHING, ERR_TRANSIENT},
	    {CURLE_SEND_ERROR, ERR_TRANSIENT},
	    {CURLE_RECV_ERROR, ERR_TRANSIENT},
	    {CURLE_FILESIZE_EXCEEDED, ERR_LIMIT},
	    {CURLE_URL_MALFORMAT, ERR_CONFIG},
	    {CURLE_SSL_CACERT_BADFILE, ERR_CONFIG},
	    {CURLE_SSL_CERTPROBLEM, ERR_CONFIG},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (rows[i].curl == code)
			return rows[i].code;
	}
	return ERR_PROTOCOL;
}

/* The server's own certificate is the first of the chain; libcurl gives its fields as OpenSSL
 * prints them. */
static int64_t read_certificate_end(CURL *easy)
{
	static const char name[] = "Expire date:";
	struct curl_certinfo *info = NULL;

	must(curl_easy_getinfo(easy, CURLINFO_CERTINFO, &info));
	if (!info || info->num_of_certs < 1)
		return 0;
	for (const struct curl_slist *row = info->certinfo[0]; row; row = row->next) {
		struct tm end = {0};

		if (text_starts(row->data, name) &&
		    strptime(row->data + strlen(name), "%b %d %H:%M:%S %Y GMT", &end))
			return timegm(&end);
	}
	return 0;
}

static int judge_end(struct transfer *transfer, CURLcode code, struct err *err)
{
	long status = 0;

	if (transfer->is_too_large)
		return err_set(err, ERR_LIMIT, "%s: the answer is larger than %zu bytes",
		    transfer->label, transfer->response.body.max_bytes);
	if (transfer->has_no_more)
		return err_set(
		    err, ERR_SYS, "%s: there is less to send than was said", transfer->label);
	if (code != CURLE_OK && !transfer->is_stopped)
		return err_set(err, code_of(code), "%s: %s", transfer->label,
		    transfer->reason[0] ? transfer->reason : curl_easy_strerror(code));
	must(curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status));
	if (!status)
		return err_set(err, ERR_PROTOCOL, "%s: an answer without status", transfer->label);
	transfer->response.status = (int)status;
	transfer->response.elapsed_ms = clock_elapsed_ms(transfer->started_ns);
	transfer->response.certificate_until_s = read_certificate_end(transfer->easy);
	return 0;
}

/* Gone from the list before done() is called, which may send, and cancel any other. */
static void transfer_end(struct http *http, struct transfer *transfer, CURLcode code)
{
	AUTO(http_response) response = {0};
	struct err err = transfer->early;
	http_done done = transfer->done;
	void *context = transfer->context;
	bool is_good = transfer->easy && judge_end(transfer, code, &err) == 0;

	if (is_good) {
		response = transfer->response;
		transfer->response = (struct http_response){0};
	}
	unlink_transfer(http, transfer);
	transfer_free(http, transfer);
	done(context, is_good ? &response : NULL, is_good ? NULL : &err);
}

/* --- the interface --- */

struct http *http_new(void)
{
	struct http *http = xcalloc(1, sizeof(*http));

	http->multi = curl_multi_init();
	http->sessions = curl_share_init();
	if (!http->multi || !http->sessions)
		abort();
	must_share(curl_share_setopt(http->sessions, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION));
	CURL *easy = take_easy(http);
	http->has_roots_file = find_roots_file(easy);
	give_back_easy(http, easy);
	return http;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	while (http->transfers) {
		struct transfer *transfer = http->transfers;

		http->transfers = transfer->next;
		transfer_free(http, transfer);
	}
	while (http->spare_count)
		curl_easy_cleanup(http->spare[--http->spare_count]);
	must_multi(curl_multi_cleanup(http->multi));
	must_share(curl_share_cleanup(http->sessions));
	free(http);
}

int64_t http_send(
    struct http *http, const struct http_request *request, http_done done, void *context)
{
	struct transfer *transfer = xcalloc(1, sizeof(*transfer));
	struct transfer **end = &http->transfers;

	transfer->id = ++http->last_id;
	transfer->done = done;
	transfer->context = context;
	transfer->started_ns = clock_now();
	transfer_prepare(http, transfer, request);
	while (*end)
		end = &(*end)->next;
	*end = transfer;
	return transfer->id;
}

void http_cancel(struct http *http, int64_t id)
{
	for (struct transfer *transfer = http->transfers; transfer; transfer = transfer->next) {
		if (transfer->id == id) {
			transfer->is_cancelled = true;
			return;
		}
	}
}

size_t http_pending(const struct http *http)
{
	size_t count = 0;

	for (const struct transfer *transfer = http->transfers; transfer; transfer = transfer->next)
		count += !transfer->is_cancelled;
	return count;
}

/* Neither http_send() nor http_cancel() calls libcurl, so both may be called from within on_data().
 * What they asked for happens here. */
static void apply_changes(struct http *http)
{
	struct transfer *next = NULL;

	for (struct transfer *transfer = http->transfers; transfer; transfer = next) {
		next = transfer->next;
		if (transfer->is_cancelled) {
			unlink_transfer(http, transfer);
			transfer_free(http, transfer);
		} else if (transfer->easy && !transfer->is_added) {
			must_multi(curl_multi_add_handle(http->multi, transfer->easy));
			transfer->is_added = true;
		}
	}
}

static struct transfer *find_unsendable(struct http *http)
{
	for (struct transfer *transfer = http->transfers; transfer; transfer = transfer->next) {
		if (!transfer->easy && !transfer->is_cancelled)
			return transfer;
	}
	return NULL;
}

/* Calls done() for each that has ended; says how many. The list may be another after each call. */
static size_t deliver(struct http *http)
{
	struct transfer *transfer = NULL;
	size_t count = 0;
	int left = 0;

	for (;;) {
		CURLMsg *message = curl_multi_info_read(http->multi, &left);

		if (!message)
			break;
		CURLcode code = message->data.result;
		must(curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer));
		if (transfer->is_cancelled)
			continue; /* apply_changes() takes it away */
		transfer_end(http, transfer, code);
		count++;
	}
	while ((transfer = find_unsendable(http)) != NULL) {
		transfer_end(http, transfer, CURLE_OK);
		count++;
	}
	return count;
}

static int move(struct http *http, size_t *out_ended, struct err *err)
{
	int running = 0;

	apply_changes(http);
	CURLMcode code = curl_multi_perform(http->multi, &running);
	if (code != CURLM_OK)
		return err_set(err, ERR_SYS, "move transfers: %s", curl_multi_strerror(code));
	*out_ended = deliver(http);
	return 0;
}

static int sleep_until_moved(
    struct http *http, const struct pollfd *fds, size_t count, int timeout_ms, struct err *err)
{
	struct curl_waitfd *extra = xcalloc(count, sizeof(*extra));

	for (size_t i = 0; i < count; i++) {
		extra[i].fd = fds[i].fd;
		extra[i].events = (short)((fds[i].events & POLLIN ? CURL_WAIT_POLLIN : 0) |
					  (fds[i].events & POLLPRI ? CURL_WAIT_POLLPRI : 0) |
					  (fds[i].events & POLLOUT ? CURL_WAIT_POLLOUT : 0));
	}
	CURLMcode code = curl_multi_poll(http->multi, extra, (unsigned)count, timeout_ms, NULL);
	free(extra);
	if (code != CURLM_OK)
		return err_set(err, ERR_SYS, "wait for transfers: %s", curl_multi_strerror(code));
	return 0;
}

int http_poll(struct http *http, struct pollfd *fds, size_t count, int timeout_ms, struct err *err)
{
	size_t ended = 0;

	for (size_t i = 0; i < count; i++)
		fds[i].revents = 0;
	if (timeout_ms < 0 || timeout_ms > LONGEST_SLEEP_MS)
		timeout_ms = LONGEST_SLEEP_MS;
	if (move(http, &ended, err) < 0)
		return -1;
	if (sleep_until_moved(http, fds, count, ended ? 0 : timeout_ms, err) < 0)
		return -1;
	/* Asked again, as libcurl does not tell POLLHUP and POLLERR apart from POLLIN. */
	if (count && poll(fds, count, 0) < 0 && errno != EINTR)
		return err_sys(err, errno, "wait for descriptors");
	return move(http, &ended, err);
}

struct call {
	struct http_response response;
	struct err err;
	bool is_done;
	bool is_good;
};

static void call_done(void *context, struct http_response *response, const struct err *err)
{
	struct call *call = context;

	call->is_done = true;
	call->is_good = response != NULL;
	if (response) {
		call->response = *response;
		*response = (struct http_response){0}; /* its buffers are ours now */
	} else {
		call->err = *err;
	}
}

int http_call_on(struct http *http, const struct http_request *request, struct http_response *out,
    struct err *err)
{
	struct call call = {0};

	assert(!request->on_data && !request->on_send);
	int64_t id = http_send(http, request, call_done, &call);
	while (!call.is_done) {
		if (http_poll(http, NULL, 0, LONGEST_SLEEP_MS, err) < 0) {
			http_cancel(http, id);
			return -1;
		}
	}
	if (!call.is_good) {
		*err = call.err;
		return -1;
	}
	*out = call.response;
	return 0;
}

int http_call(const struct http_request *request, struct http_response *out, struct err *err)
{
	struct http *http = http_new();
	int result = http_call_on(http, request, out, err);

	http_free(http);
	return result;
}

char *http_escape(const char *text)
{
	char *escaped = curl_easy_escape(NULL, text, 0);

	if (!escaped)
		abort();
	char *copy = xstrdup(escaped);
	curl_free(escaped);
	return copy;
}
