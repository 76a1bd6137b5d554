#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The proxy: the recipe traefik by abra, with the operator's own certificate for the zone and without ACME.

# Packagers may put the common part in front instead.
# shellcheck source=modules/reconcile/common.sh
declare -F begin >/dev/null || . "$(dirname "$(readlink -f "$0")")/common.sh"

readonly RENEW_DAYS=21

look() {
	want_setting ZONE "the zone of the test domains"
	want_setting PROXY_DOMAIN "the proxy's own domain"
	check_lacks
	want_domain ZONE
	want_domain PROXY_DOMAIN
	want_abra
	want_program openssl
	want_program curl
	want_certificate
	want_swarm
	check_lacks
}

want_certificate() {
	[[ -s $PROXY_CERT ]] || lack "the certificate of *.$ZONE: $PROXY_CERT is not there (PROXY_CERT)"
	want_secret "$PROXY_KEY" "the certificate's key (PROXY_KEY)"
	((${#lacks[@]} == 0)) && command -v openssl >/dev/null || return 0
	openssl x509 -in "$PROXY_CERT" -noout 2>/dev/null || {
		lack "a certificate: $PROXY_CERT is none in PEM"
		return 0
	}
	[[ $(openssl x509 -in "$PROXY_CERT" -noout -pubkey) == "$(openssl pkey -in "$PROXY_KEY" -pubout 2>/dev/null)" ]] ||
		lack "a key that belongs to the certificate: $PROXY_KEY is not that of $PROXY_CERT"
	[[ $(openssl x509 -in "$PROXY_CERT" -noout -checkhost "some-app.$ZONE") == *'does match'* ]] ||
		lack "a certificate for *.$ZONE: $PROXY_CERT is for others"
	if ! openssl x509 -in "$PROXY_CERT" -noout -checkend 0 >/dev/null; then
		lack "a certificate that is valid: $PROXY_CERT ended on $(ends)"
	elif ! openssl x509 -in "$PROXY_CERT" -noout -checkend $((RENEW_DAYS * 86400)) >/dev/null; then
		warn "the certificate $PROXY_CERT ends on $(ends)"
	fi
}
ends() { openssl x509 -in "$PROXY_CERT" -noout -enddate | cut -d= -f2; }

# Of certificate and key one version: they are only good together.
converge() {
	local version
	version=$(version_of "$PROXY_CERT")
	app_open traefik "$PROXY_DOMAIN"
	app_create
	env_want LETS_ENCRYPT_ENV ''
	env_want WILDCARDS_ENABLED 1
	env_want_compose compose.wildcard.yml
	app_want_secret ssl_cert "$version" "$PROXY_CERT"
	app_want_secret ssl_key "$version" "$PROXY_KEY"
	app_settle
	app_drop_secrets ssl_cert "$version"
	app_drop_secrets ssl_key "$version"
}

begin "$@"
look
converge
if ((!dry_run)); then
	wait_for_answer "some-app.$ZONE" / '' || fail "the proxy does not answer at $PROBE_CONNECT for *.$ZONE" \
		"(by TLS, with a certificate that this machine trusts; PROBE_CA_FILE names an authority of your own)"
fi
finish
