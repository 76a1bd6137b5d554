# SPDX-License-Identifier: GPL-3.0-or-later
#
# Run by CPack between installing the components and packing them: manuals are compressed, each package gets what
# Debian wants of every one, and with SOURCE_DATE_EPOCH nothing says when or where it was made.
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
foreach(component IN LISTS CPACK_COMPONENTS_ALL)
	set(root ${CPACK_TEMPORARY_DIRECTORY}/${component}${CPACK_PACKAGING_INSTALL_PREFIX})
	file(GLOB manuals ${root}/share/man/man*/*.[1-8])
	if(manuals)
		execute_process(COMMAND gzip -9 -n -f ${manuals} COMMAND_ERROR_IS_FATAL ANY)
	endif()
	string(TOUPPER ${component} upper)
	# Not file(INSTALL), which would look at DESTDIR, and CPack has it set.
	file(COPY ${CPACK_CCCI_SOURCE_DIR}/cmake/debian/copyright
		DESTINATION ${root}/share/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
	set(changelog ${root}/share/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME}/changelog)
	file(WRITE ${changelog} "ccci (${CPACK_PACKAGE_VERSION}) stable; urgency=medium

  * What changed is in the commits of the source.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")
	execute_process(COMMAND gzip -9 -n -f ${changelog} COMMAND_ERROR_IS_FATAL ANY)
	execute_process(COMMAND chmod -R u=rwX,go=rX ${CPACK_TEMPORARY_DIRECTORY}/${component} COMMAND_ERROR_IS_FATAL ANY)
	if(DEFINED ENV{SOURCE_DATE_EPOCH})
		execute_process(COMMAND find ${CPACK_TEMPORARY_DIRECTORY}/${component} -exec
			touch -h -d @$ENV{SOURCE_DATE_EPOCH} {} + COMMAND_ERROR_IS_FATAL ANY)
	endif()
endforeach()
