# SPDX-License-Identifier: GPL-3.0-or-later
# A stand-in for the part of nixpkgs's lib that our modules use, for checks without nixpkgs.
# It is no NixOS: it knows no option but ours and checks no option of NixOS.
let
  inherit (builtins) isAttrs isList isString isInt isBool hasAttr attrNames foldl' head tail elem concatStringsSep replaceStrings match;
  mark = t: { _type = "option-type"; } // t;
  t = name: check: mark { inherit name check; };
  isDrv = v: isAttrs v && v.type or null == "derivation";
in rec {
  types = rec {
    str = t "str" isString; nonEmptyStr = t "nonEmptyStr" (v: isString v && v != ""); bool = t "bool" isBool; int = t "int" isInt;
    port = t "port" (v: isInt v && v >= 0 && v <= 65535); path = t "path" (v: (isString v && builtins.substring 0 1 v == "/") || builtins.isPath v || isDrv v);
    package = t "package" isDrv; attrs = t "attrs" isAttrs;
    ints = { positive = t "positive int" (v: isInt v && v > 0); unsigned = t "unsigned int" (v: isInt v && v >= 0); };
    listOf = e: t "listOf ${e.name}" (v: isList v && builtins.all e.check v); attrsOf = e: t "attrsOf ${e.name}" (v: isAttrs v && builtins.all e.check (builtins.attrValues v));
    nullOr = e: t "nullOr ${e.name}" (v: v == null || e.check v); enum = l: t "enum" (v: elem v l); lines = str;
  };
  mkOption = o: { _type = "option"; } // o;
  mkEnableOption = d: mkOption { type = types.bool; default = false; description = "Whether to enable ${d}."; };
  mkPackageOption = pkgs: name: _: mkOption { type = types.package; default = pkgs.${name}; };
  mkIf = c: v: { _type = "if"; condition = c; content = v; };
  mkMerge = l: { _type = "merge"; contents = l; };
  mkForce = v: { _type = "prio"; prio = 50; content = v; }; mkDefault = v: { _type = "prio"; prio = 1000; content = v; };
  optional = c: v: if c then [ v ] else [ ]; optionals = c: l: if c then l else [ ]; optionalAttrs = c: a: if c then a else { }; optionalString = c: s: if c then s else "";
  inherit concatStringsSep; concatMapStringsSep = s: f: l: concatStringsSep s (map f l);
  getExe = p: "${p}/bin/${p.meta.mainProgram or p.pname or p.name}"; getExe' = p: n: "${p}/bin/${n}";
  escapeShellArg = s: "'" + replaceStrings [ "'" ] [ "'\\''" ] (toString s) + "'"; escapeShellArgs = concatMapStringsSep " " escapeShellArg;
  mapAttrsToList = f: a: map (n: f n a.${n}) (attrNames a);
}
