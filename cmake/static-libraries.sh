#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# static-libraries.sh DIRECTORY: libcurl, cJSON and libmicrohttpd as archives, from Debian's own sources with Debian's
# fixes. libcurl as Debian builds it wants Kerberos and LDAP, libmicrohttpd wants p11-kit, and of these, as of cJSON,
# Debian has no archives; built here they are without what ccci does not use. The other libraries' archives are in
# their -dev packages.
set -euo pipefail
shopt -s inherit_errexit

mkdir -p "$1"
out=$(readlink -f "$1")
work=$out/work
key=/usr/share/keyrings/debian-archive-keyring.gpg

[[ ! -e $out/made ]] || exit 0
rm -rf "$out"
mkdir -p "$work/parts" "$work/lists/partial"
cd "$work"

# Debian's sources, without a word in the host's own lists.
for suite in 'debian bookworm' 'debian bookworm-updates' 'debian-security bookworm-security'; do
	echo "deb-src [signed-by=$key] http://deb.debian.org/$suite main"
done >parts/debian.list
from=(-q -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$work/parts" -o "Dir::State::Lists=$work/lists"
	-o APT::Sandbox::User=root)
apt-get "${from[@]}" update
apt-get "${from[@]}" source curl cjson libmicrohttpd

common=(-G Ninja -DCMAKE_BUILD_TYPE=Release "-DCMAKE_INSTALL_PREFIX=$out" -DCMAKE_INSTALL_LIBDIR=lib
	-DCMAKE_POSITION_INDEPENDENT_CODE=ON -DBUILD_SHARED_LIBS=OFF)
cmake -S curl-*/ -B curl "${common[@]}" -DBUILD_CURL_EXE=OFF -DBUILD_TESTING=OFF -DHTTP_ONLY=ON -DCURL_USE_LIBSSH2=OFF \
	-DUSE_LIBIDN2=OFF -DCURL_USE_LIBPSL=OFF -DCURL_ZLIB=OFF -DCURL_CA_PATH=none \
	-DCURL_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt
cmake --build curl --target install
cmake -S cjson-*/ -B cjson "${common[@]}" -DENABLE_CJSON_TEST=OFF
cmake --build cjson --target install
mkdir microhttpd
cd microhttpd
configure=(../libmicrohttpd-*/configure)
"${configure[0]}" -q --prefix="$out" --disable-shared --enable-static --disable-https --disable-doc \
	--disable-examples --disable-tools --disable-curl --with-pic
make -s -j"$(nproc)" install
cd "$out"
# curl's own build names the shared libraries of OpenSSL, by their paths.
sed -i -E 's#[^ ]*/libssl\.so#-lssl#g; s#[^ ]*/libcrypto\.so#-lcrypto#g; s# -lgcc_s##g; s# -lgcc##g; s# -lc( |$)#\1#g' \
	lib/pkgconfig/libcurl.pc
rm -rf "$work"
touch made
