/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/swarm/holder.h"

#define SERVICE_LABEL "com.docker.swarm.service.name"

/* A list of ports has this one; their members are called differently in each list. */
static bool has_port(const struct json *list, const char *number_key, const char *protocol_key,
    const struct view_port *port)
{
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		const char *protocol = json_get_text(item, protocol_key);
		int64_t number = 0;

		if (json_get_int(item, number_key, &number) && number == port->number && protocol &&
		    text_is(protocol, port->protocol))
			return true;
	}
	return false;
}

static char *find_container(
    const struct view_port *port, const char *stack, const struct json *containers)
{
	for (const struct json *item = json_first(containers); item; item = json_next(item)) {
		const char *service = json_get_text(json_get(item, "Labels"), SERVICE_LABEL);
		const char *name = json_text(json_first(json_get(item, "Names")));

		if (text_descope(stack, service) ||
		    !has_port(json_get(item, "Ports"), "PublicPort", "Type", port))
			continue;
		if (service)
			return xasprintf("service %.80s", service);
		return xasprintf("container %.80s", !name ? "" : *name == '/' ? name + 1 : name);
	}
	return NULL;
}

static char *find_service(
    const struct view_port *port, const char *stack, const struct json *services)
{
	for (const struct json *item = json_first(services); item; item = json_next(item)) {
		const char *name = json_text(json_path(item, "Spec.Name"));

		if (name && !text_descope(stack, name) &&
		    has_port(json_path(item, "Endpoint.Ports"), "PublishedPort", "Protocol", port))
			return xasprintf("service %.80s", name);
	}
	return NULL;
}

char *holder_find(const struct view_service *service, const char *stack,
    const struct json *services, const struct json *containers)
{
	for (size_t i = 0; i < service->port_count; i++) {
		const struct view_port *port = &service->ports[i];
		auto_str char *holder = find_container(port, stack, containers);

		if (!holder)
			holder = find_service(port, stack, services);
		if (holder)
			return xasprintf(
			    "host port %lld is held by %s", (long long)port->number, holder);
	}
	return NULL;
}
