# SPDX-License-Identifier: GPL-3.0-or-later
# { modules; settings; pkgs; } -> { config; other; }: two steps, no fixed point: our options take the settings
# (typed, else their default), then each module's config is merged; an option of ours set by a module is an error.
{ modules, settings, pkgs, lib ? import ./lib.nix }:
let
  inherit (builtins) isAttrs isFunction attrNames foldl' filter concatMap isList;
  isT = ty: v: isAttrs v && v._type or null == ty;
  load = m: let f = if isAttrs m || isFunction m then m else import m; v = if isFunction f then f { inherit lib pkgs; config = given; } else f; in [ v ] ++ concatMap load (v.imports or [ ]);
  all = concatMap load modules;
  show = builtins.concatStringsSep ".";
  optList = path: o: if isT "option" o then [ { inherit path; opt = o; } ] else concatMap (n: optList (path ++ [ n ]) o.${n}) (attrNames o);
  options = concatMap (m: optList [ ] (m.options or { })) all;
  get = p: a: if p == [ ] then [ a ] else if isAttrs a && a ? ${builtins.head p} then get (builtins.tail p) a.${builtins.head p} else [ ];
  set = p: v: if p == [ ] then v else { ${builtins.head p} = set (builtins.tail p) v; };
  deep = a: b: if isAttrs a && isAttrs b && a.type or null != "derivation" then a // builtins.mapAttrs (n: v: if a ? ${n} then deep a.${n} v else v) b else b;
  value = o: let g = get o.path settings; v = if g != [ ] then builtins.head g else o.opt.default or (throw "option ${show o.path} is not set"); in
    if o.opt.type.check v then v else throw "option ${show o.path} is not of type ${o.opt.type.name}";
  given = foldl' deep settings (map (o: set o.path (value o)) options);
  body = m: m.config or (removeAttrs m [ "imports" "options" "_file" "meta" ]);
  defs = path: prio: v:
    if isT "if" v then (if v.condition then defs path prio v.content else [ ])
    else if isT "merge" v then concatMap (defs path prio) v.contents
    else if isT "prio" v then defs path v.prio v.content
    else if isAttrs v && v.type or null != "derivation" then concatMap (n: defs (path ++ [ n ]) prio v.${n}) (attrNames v)
    else [ { inherit path prio; value = v; } ];
  group = builtins.groupBy (d: show d.path) (concatMap (m: defs [ ] 100 (body m)) all);
  mergeAt = k: let ds = group.${k}; best = foldl' (a: d: if d.prio < a then d.prio else a) 100000 ds; vs = map (d: d.value) (filter (d: d.prio == best) ds); in
    if builtins.all isList vs then builtins.concatLists vs else if builtins.all (v: v == builtins.head vs) vs then builtins.head vs else throw "conflicting definitions of ${k}";
  config = foldl' deep { } (map (k: set (builtins.head group.${k}).path (mergeAt k)) (attrNames group));
in { inherit config given; other = attrNames group; failed = map (a: a.message) (filter (a: !a.assertion) (config.assertions or [ ])); }
