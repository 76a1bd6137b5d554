# SPDX-License-Identifier: GPL-3.0-or-later
# There is no flake.lock here: a host pins nixpkgs in its own, and moves it when somebody has looked (docs/nixos.md).
{
  description = "continuous integration for Co-op Cloud recipes";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" ];
      each = f: builtins.listToAttrs (map (system: { name = system; value = f system; }) systems);
      overlay = import ./modules/packages.nix { };
    in
    {
      overlays.default = overlay;
      nixosModules = {
        default = { imports = [ ./modules ]; nixpkgs.overlays = [ overlay ]; };
        apps-by-hand = { imports = [ ./modules/apps-by-hand.nix ]; nixpkgs.overlays = [ overlay ]; };
      };
      packages = each (system:
        let pkgs = import nixpkgs { inherit system; overlays = [ overlay ]; };
        in { inherit (pkgs) ccci abra; default = pkgs.ccci; });
    };
}
