# SPDX-License-Identifier: GPL-3.0-or-later
# An overlay: ccci, and abra, which no release of nixpkgs has. abra is pinned here for the whole host; whoever takes another
# one names its version and hash, `import ./packages.nix { abra = { version = "…"; hash = "sha256-…"; }; }`. An empty
# hash makes the first build stop and print the right one: it has to be put in by whoever has looked at what was fetched.
{ abra ? { version = "0.13.0-beta"; hash = ""; } }:
final: prev:
let
  version = builtins.head (builtins.match ".*project\\(ccci VERSION ([0-9.]+).*" (builtins.readFile ../CMakeLists.txt));
in
{
  abra = final.buildGoModule {
    pname = "abra";
    inherit (abra) version;
    src = final.fetchgit { url = "https://git.coopcloud.tech/toolshed/abra"; rev = "refs/tags/${abra.version}"; inherit (abra) hash; };
    vendorHash = null; # it brings its modules along
    env.CGO_ENABLED = "0";
    subPackages = [ "cmd/abra" ];
    ldflags = [ "-s" "-X main.Version=${abra.version}" ];
    meta = { description = "Co-op Cloud on the command line"; mainProgram = "abra"; };
  };

  ccci = final.stdenv.mkDerivation {
    pname = "ccci";
    inherit version;
    src = ../.;
    nativeBuildInputs = [ final.cmake final.ninja final.pkg-config ];
    buildInputs = [ final.curl final.cjson final.libyaml final.openssl final.libmicrohttpd final.sqlite ];
    cmakeFlags = [ "-DBUILD_TESTING=OFF" ];
    meta = { description = "Continuous integration for Co-op Cloud recipes"; mainProgram = "ccci-run"; };
  };
}
