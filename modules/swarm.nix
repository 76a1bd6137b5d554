# SPDX-License-Identifier: GPL-3.0-or-later
# Docker, a Swarm of this machine, the network proxy.
{ config, lib, pkgs, ... }:
let
  cfg = config.services.ccci.swarm;
  reconcile = import ./reconcile.nix { inherit lib pkgs config; };
in
{
  options.services.ccci.swarm = {
    enable = lib.mkEnableOption "the Swarm that recipes are tested on";
    address = lib.mkOption { type = lib.types.nonEmptyStr; default = "127.0.0.1"; description = "Address that the Swarm advertises."; };
  };

  config = lib.mkIf cfg.enable {
    virtualisation.docker.enable = true;
    # Where stateVersion is below 24.11 it is true unless told otherwise, and Docker refuses a Swarm with it.
    virtualisation.docker.liveRestore = false;
    assertions = [
      {
        assertion = !config.virtualisation.docker.liveRestore;
        message = "services.ccci.swarm: virtualisation.docker.liveRestore must be false, Docker has no Swarm with it";
      }
    ];
    systemd.services.ccci-swarm = reconcile.oneshot "swarm" { environment.SWARM_ADDRESS = cfg.address; };
  };
}
