# SPDX-License-Identifier: GPL-3.0-or-later
# A pull-through cache of Docker Hub: for more than one host, or when a cold pull was measured to matter. Off.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.services.ccci.registry-cache;
  reconcile = import ./reconcile.nix { inherit lib pkgs config; };
in
{
  options.services.ccci.registry-cache = {
    enable = lib.mkEnableOption "a pull-through cache of Docker Hub";
    image = mkOption { type = types.nonEmptyStr; default = "registry:2.8.3"; description = "Its image."; };
    port = mkOption { type = types.port; default = 5000; description = "Where it listens, on the loopback."; };
  };

  config = lib.mkIf cfg.enable {
    virtualisation.docker.daemon.settings.registry-mirrors = [ "http://127.0.0.1:${toString cfg.port}" ];
    systemd.services.ccci-registry-cache = reconcile.oneshot "registry-cache" {
      environment = { REGISTRY_CACHE = "1"; REGISTRY_CACHE_IMAGE = cfg.image; REGISTRY_CACHE_PORT = toString cfg.port; };
    };
  };
}
