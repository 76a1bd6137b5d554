# SPDX-License-Identifier: GPL-3.0-or-later
# What modules/packages.nix asks nixpkgs for, with a nixpkgs that gives names alone.
let
  final = {
    buildGoModule = a: a;
    fetchgit = a: a;
    stdenv.mkDerivation = a: a;
  } // builtins.listToAttrs (map (name: { inherit name; value = name; })
    [ "cmake" "ninja" "pkg-config" "curl" "cjson" "libyaml" "openssl" "libmicrohttpd" "sqlite" ]);
  take = overlay: let made = overlay final { }; in {
    ccci = removeAttrs made.ccci [ "src" ];
    abra = made.abra;
  };
in
{
  default = take (import ../../modules/packages.nix { });
  other = take (import ../../modules/packages.nix { abra = { version = "9.9.9"; hash = "sha256-x"; }; });
}
