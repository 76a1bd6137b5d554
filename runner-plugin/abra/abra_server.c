/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/abra/abra_server.h"

#include "common/file.h"

#define LOCAL_SERVER "default"
#define LOCAL_HOST "unix:///var/run/docker.sock"
#define META_MAX_BYTES (64 * 1024)

char *abra_server_host(const struct json *meta)
{
	const char *host = json_text(json_path(meta, "Endpoints.docker.Host"));

	return host && *host ? xstrdup(host) : NULL;
}

static char *context_path(const struct settings *settings, const char *kind, const char *rest)
{
	const char *name = settings->abra_server;
	char id[FILE_HASH_SIZE];

	file_hash_bytes(name, strlen(name), id);
	return xasprintf("%s/contexts/%s/%s/%s", settings->docker_config, kind, id, rest);
}

static char *read_host(const struct settings *settings, struct err *err)
{
	auto_str char *path = context_path(settings, "meta", "meta.json");
	AUTO(buf) text = {0};

	if (text_is(settings->abra_server, LOCAL_SERVER))
		return xstrdup(LOCAL_HOST);
	if (!file_exists(path)) {
		err_set(err, ERR_MISSING,
		    "there is no docker context of abra's server %.60s (docker context create "
		    "%.60s --docker host=ssh://...)",
		    settings->abra_server, settings->abra_server);
		return NULL;
	}
	if (file_read(path, META_MAX_BYTES, &text, err) < 0)
		return NULL;
	AUTO_PTR(json) meta = json_parse(buf_text(&text), text.length, err);
	char *host = meta ? abra_server_host(meta) : NULL;
	if (!host)
		err_set(err, ERR_CONFIG, "%.200s names no engine", path);
	return host;
}

/* Only a manager knows it. */
static char *swarm_of(struct engine *engine, struct err *err)
{
	AUTO_PTR(json) info = engine_get(engine, "/info", err);
	const char *id = json_text(json_path(info, "Swarm.Cluster.ID"));

	if (id && *id)
		return xstrdup(id);
	if (info)
		err_set(err, ERR_MISSING, "its engine is no manager of a Swarm");
	return NULL;
}

static char *swarm_of_server(const struct settings *settings, const char *host, struct err *err)
{
	struct settings other = *settings; /* borrows all of it */
	auto_str char *copy = xstrdup(host);
	auto_str char *tls = context_path(settings, "tls", "docker");

	other.docker_host = copy;
	other.docker_cert_path = file_exists(tls) ? tls : NULL;
	other.docker_tls_verify = NULL;
	other.engine_nodes = NULL;
	AUTO_PTR(engine) engine = engine_open(&other, err);
	return engine ? swarm_of(engine, err) : NULL;
}

int abra_server_check(const struct settings *settings, struct engine *engine, struct err *err)
{
	auto_str char *host = read_host(settings, err);
	auto_str char *ours = NULL;
	auto_str char *its = NULL;

	if (!host)
		return -1;
	if (text_is(host, settings->docker_host))
		return 0;
	ours = swarm_of(engine, err);
	if (!ours)
		return -1;
	its = swarm_of_server(settings, host, err);
	if (!its)
		return err_prefix(err, "abra's server %.60s (ABRA_SERVER)", settings->abra_server);
	if (!text_is(ours, its))
		return err_set(err, ERR_CONFIG,
		    "abra's server %.60s is another Swarm (%.80s) than DOCKER_HOST's (%.80s): "
		    "ABRA_SERVER must lead to the same",
		    settings->abra_server, host, settings->docker_host);
	return 0;
}
