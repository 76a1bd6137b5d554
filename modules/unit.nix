# SPDX-License-Identifier: GPL-3.0-or-later
# A unit file of systemd/ as Nix sees it, so that Debian and NixOS have one text: { Service = { Type = "oneshot"; … }; … }.
# A key that stands there more than once is a list.
file:
let
  inherit (builtins) filter foldl' isString match readFile split elemAt isList;
  lines = filter (line: isString line && match "[[:space:]]*(#.*)?" line == null) (split "\n" (readFile file));
  list = value: if isList value then value else [ value ];
  take = state: line:
    let
      section = match "\\[(.*)]" line;
      pair = match "([A-Za-z]+)=(.*)" line;
      old = state.found.${state.section} or { };
      key = elemAt pair 0;
      value = elemAt pair 1;
    in
    if section != null then state // { section = elemAt section 0; }
    else if pair == null then throw "${toString file}: '${line}' is neither a section nor a key"
    else state // {
      found = state.found // {
        ${state.section} = old // { ${key} = if old ? ${key} then list old.${key} ++ [ value ] else value; };
      };
    };
in
(foldl' take { section = ""; found = { }; } lines).found
