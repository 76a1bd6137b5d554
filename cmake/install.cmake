# SPDX-License-Identifier: GPL-3.0-or-later
#
# What is installed beside the programs. Three components, which are the packages of cmake/package.cmake: `bridge` and
# `run` for the two programs, which may live on different hosts, `common` for what tells of both.
set(CCCI_UNIT_DIR lib/systemd/system)
set(CCCI_SYSUSERS_DIR lib/sysusers.d)
set(CCCI_TMPFILES_DIR lib/tmpfiles.d)
set(CCCI_ZSH_DIR ${CMAKE_INSTALL_DATADIR}/zsh/site-functions CACHE STRING "where zsh finds completions")

# install_text(COMPONENT DIRECTORY FILE...): files that say where the programs are, for the prefix. In the
# repository they are as they must be for the default one, /usr/local, so that each is valid as it stands.
function(install_text component directory)
	foreach(file IN LISTS ARGN)
		get_filename_component(name ${file} NAME)
		file(READ ${file} text)
		string(REPLACE /usr/local/bin/ccci- ${CMAKE_INSTALL_FULL_BINDIR}/ccci- text "${text}")
		string(REPLACE /usr/local/lib/ccci ${CMAKE_INSTALL_PREFIX}/lib/ccci text "${text}")
		string(REPLACE /usr/local/share/doc/ccci ${CMAKE_INSTALL_FULL_DOCDIR} text "${text}")
		set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
		file(CONFIGURE OUTPUT installed/${component}/${name} CONTENT "@text@" @ONLY)
		install(FILES ${CMAKE_CURRENT_BINARY_DIR}/installed/${component}/${name} DESTINATION ${directory}
			COMPONENT ${component})
	endforeach()
endfunction()

# Each unit belongs to its component by being there.
foreach(kind service socket timer)
	file(GLOB bridge_units CONFIGURE_DEPENDS modules/systemd/ccci-bridge*.${kind})
	file(GLOB run_units CONFIGURE_DEPENDS modules/systemd/*.${kind})
	list(REMOVE_ITEM run_units ${bridge_units} "")
	install_text(bridge ${CCCI_UNIT_DIR} ${bridge_units})
	install_text(run ${CCCI_UNIT_DIR} ${run_units})
endforeach()
install(FILES modules/sysusers.d/ccci-bridge.conf DESTINATION ${CCCI_SYSUSERS_DIR} COMPONENT bridge)
install(FILES modules/tmpfiles.d/ccci-bridge.conf DESTINATION ${CCCI_TMPFILES_DIR} COMPONENT bridge)
install(FILES modules/tmpfiles.d/ccci-run.conf DESTINATION ${CCCI_TMPFILES_DIR} COMPONENT run)

# For `ccci-run canary`: recipes, and what makes their images.
install(DIRECTORY tests/canaries DESTINATION ${CMAKE_INSTALL_DATADIR}/ccci COMPONENT run USE_SOURCE_PERMISSIONS)
install(FILES tests/lib/__init__.py tests/lib/docker.py tests/lib/images.py tests/lib/packed.py
	DESTINATION ${CMAKE_INSTALL_DATADIR}/ccci/lib COMPONENT run)

# Suites to begin with, and what brings up a host: each by being there.
if(EXISTS ${CMAKE_SOURCE_DIR}/tests/recipes)
	install(DIRECTORY tests/recipes/ DESTINATION ${CMAKE_INSTALL_DATADIR}/ccci/suites COMPONENT run
		USE_SOURCE_PERMISSIONS)
endif()
if(EXISTS ${CMAKE_SOURCE_DIR}/modules/ccci-setup)
	install(PROGRAMS modules/ccci-setup DESTINATION ${CMAKE_INSTALL_SBINDIR} COMPONENT run)
endif()
if(EXISTS ${CMAKE_SOURCE_DIR}/modules/reconcile)
	install(DIRECTORY modules/reconcile/ DESTINATION lib/ccci/reconcile COMPONENT run USE_SOURCE_PERMISSIONS)
endif()

install(FILES docs/ccci-bridge.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8 COMPONENT bridge)
install(FILES docs/ccci-setup.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8 COMPONENT run)
install(FILES docs/ccci-run.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT run)
file(GLOB MANUALS CONFIGURE_DEPENDS docs/*.5)
install(FILES ${MANUALS} DESTINATION ${CMAKE_INSTALL_MANDIR}/man5 COMPONENT common)
file(GLOB DOCUMENTS CONFIGURE_DEPENDS docs/*.md docs/*.json)
install(FILES README.md ${DOCUMENTS} DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT common)
file(GLOB EXAMPLES CONFIGURE_DEPENDS docs/examples/*)
install(FILES ${EXAMPLES} modules/systemd/drone-runner.env modules/systemd/00-woodpecker.conf modules/systemd/webhook.conf
	.woodpecker.yml DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples COMPONENT common)
# Of Drone's pipelines the first, for a CI repository that begins with it: the second one tests this repository.
file(READ .drone.yml pipelines)
string(FIND "${pipelines}" "\n---\n" first_bytes)
string(SUBSTRING "${pipelines}" 0 ${first_bytes} pipeline)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS .drone.yml)
file(CONFIGURE OUTPUT installed/common/.drone.yml CONTENT "@pipeline@" @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/installed/common/.drone.yml DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples
	COMPONENT common)

# Completions of both programs are one file, which goes with each: either package is whole alone.
foreach(component bridge run)
	set(program ccci-${component})
	install(FILES modules/completion/ccci.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
		COMPONENT ${component} RENAME ${program})
	install(FILES modules/completion/ccci.zsh DESTINATION ${CCCI_ZSH_DIR} COMPONENT ${component} RENAME _${program})
	install(FILES modules/completion/${program}.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d
		COMPONENT ${component})
endforeach()
