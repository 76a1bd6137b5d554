# SPDX-License-Identifier: GPL-3.0-or-later
#
# Debian packages, one for each component of install.cmake: a bridge faces strangers and needs no Docker, a runner's
# host has root's programs and needs no bridge. `./dev release` makes them, with the preset `package`, whose prefix is
# /usr: what is installed names its own place.
set(CPACK_GENERATOR DEB)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL bridge run common)
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_CONTACT "ccci <ccci@localhost>" CACHE STRING "maintainer that the packages name")
set(CPACK_PACKAGE_HOMEPAGE_URL "" CACHE STRING "home page that the packages name")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
# Manuals compressed, copyright, and the same bytes for the same commit.
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_SOURCE_DIR}/cmake/package_files.cmake)
set(CPACK_CCCI_SOURCE_DIR ${CMAKE_SOURCE_DIR})

set(SCRIPTS ${CMAKE_SOURCE_DIR}/cmake/debian)
# Users and directories come from sysusers.d and tmpfiles.d.
set(SYSTEMD "systemd | systemd-standalone-sysusers, systemd | systemd-standalone-tmpfiles")
set(COMMON "ccci-common (>= ${PROJECT_VERSION})")

set(CPACK_DEBIAN_BRIDGE_PACKAGE_NAME ccci-bridge)
set(CPACK_COMPONENT_BRIDGE_DESCRIPTION "from a pull request's comment to a CI build and back
ccci-bridge hears !testme in pull requests of Co-op Cloud recipes on a Gitea
forge, asks Drone or Woodpecker for a build, and answers in one comment.")
set(CPACK_DEBIAN_BRIDGE_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_BRIDGE_PACKAGE_DEPENDS "${COMMON}, ca-certificates, ${SYSTEMD}")
set(CPACK_DEBIAN_BRIDGE_PACKAGE_CONTROL_EXTRA ${SCRIPTS}/bridge/postinst ${SCRIPTS}/bridge/prerm
	${SCRIPTS}/bridge/postrm)

# An engine may be another host's (DOCKER_HOST), so none is needed here. bubblewrap is for the tests that recipes ship
# and for pictures, ssh for an engine elsewhere; a browser is for pictures alone, which are off unless wanted; the suites
# that come along are in Python; it and busybox make the images of the canaries; ccci-setup and the reconcilers ask with
# curl and openssl. abra and Drone's runner are in no Debian.
set(CPACK_DEBIAN_RUN_PACKAGE_NAME ccci-run)
set(CPACK_COMPONENT_RUN_DESCRIPTION "test a Co-op Cloud recipe on a Docker Swarm
ccci-run deploys a recipe with abra, proves that it installs, upgrades, backs
up and restores, takes everything down again and judges. It is for the host of
Drone's exec runner or of Woodpecker's agent; abra has to be installed too.")
set(CPACK_DEBIAN_RUN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_RUN_PACKAGE_DEPENDS "${COMMON}, ca-certificates, git, ${SYSTEMD}")
set(CPACK_DEBIAN_RUN_PACKAGE_RECOMMENDS "docker.io | docker-ce, bubblewrap, openssh-client, curl, openssl, python3")
set(CPACK_DEBIAN_RUN_PACKAGE_SUGGESTS
	"chromium-headless-shell | chromium, fonts-dejavu-core, busybox-static")
set(CPACK_DEBIAN_RUN_PACKAGE_CONTROL_EXTRA ${SCRIPTS}/run/postinst ${SCRIPTS}/run/prerm ${SCRIPTS}/run/postrm)

set(CPACK_DEBIAN_COMMON_PACKAGE_NAME ccci-common)
set(CPACK_COMPONENT_COMMON_DESCRIPTION "continuous integration for Co-op Cloud recipes: documents
Manuals of settings and suites, examples and documents of ccci-bridge and
ccci-run.")
set(CPACK_DEBIAN_COMMON_PACKAGE_ARCHITECTURE all)

include(CPack)
