# SPDX-License-Identifier: GPL-3.0-or-later
# Our modules on a host that is made up, evaluated by the stand-in of eval.nix, as values that a test can read:
#
#     { profile = "default" | "apps-by-hand"; more = { … settings laid over the host's … }; }
#     -> { services, timers, etc, failed, paths, sops, firewall, packages }
{ profile ? "default", more ? { } }:
let
  lib = import ./lib.nix;
  drv = name: { type = "derivation"; inherit name; pname = name; outPath = "/nix/store/00000000000000000000000000000000-${name}"; meta.mainProgram = name; };
  # A package that is not here does not exist.
  names = [ "abra" "bash" "bubblewrap" "ccci" "coreutils" "curl" "docker" "drone-runner-exec" "gawk" "git" "gnugrep" "gnused" "openssh" "openssl" "systemd" "util-linux" ];
  pkgs = builtins.listToAttrs (map (name: { inherit name; value = drv name; }) names) // {
    writeShellApplication = a: builtins.deepSeq [ a.text (map toString (a.runtimeInputs or [ ])) ] (drv a.name // { inherit (a) text; });
  };
  deep = a: b: if builtins.isAttrs a && builtins.isAttrs b then a // builtins.mapAttrs (n: v: if a ? ${n} then deep a.${n} v else v) b else b;
  host = {
    virtualisation.docker.liveRestore = false;
    services.ccci = {
      zone = "ci.example.org";
      giteaUrl = "https://git.example.org";
      recipeOrg = "recipe-maintainers";
      swarm.enable = true;
      drone-runner.enable = true;
      bridge = { enable = true; ciRepo = "recipe-maintainers/ccci"; };
      registry-cache.enable = true;
      warm.enable = true;
      rebuild.enable = true;
      secrets = { enable = true; file = "/etc/nixos/secrets.yaml"; };
    } // (if profile == "default" then {
      proxy.enable = true;
      drone = { enable = true; admin = "ci-admin"; clientId = "0b1e-55"; };
      infra-update.enable = true;
    } else { });
  };
  module = if profile == "default" then ../../modules/default.nix else ../../modules/apps-by-hand.nix;
  evaluated = import ./eval.nix { modules = [ module ]; settings = deep host more; inherit pkgs lib; };
  inherit (evaluated) config;
  text = value: if value ? text then value.text else toString value;
in
{
  services = builtins.mapAttrs (_: service: service // { path = map toString (service.path or [ ]); }) config.systemd.services;
  timers = config.systemd.timers;
  etc = builtins.mapAttrs (_: file: file.text) config.environment.etc;
  failed = evaluated.failed;
  paths = evaluated.other;
  sops = config.sops or { };
  firewall = config.networking.firewall.allowedTCPPorts or [ ];
  packages = map toString config.environment.systemPackages;
  mirrors = config.virtualisation.docker.daemon.settings.registry-mirrors or [ ];
}
