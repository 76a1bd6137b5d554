# SPDX-License-Identifier: GPL-3.0-or-later
# Newer versions of proxy and Drone every night, what needs a person left to one, back again when it does not do. Off.
{ config, lib, pkgs, ... }:
let
  ccci = config.services.ccci;
  cfg = ccci.infra-update;
  reconcile = import ./reconcile.nix { inherit lib pkgs config; };
in
{
  options.services.ccci.infra-update.enable = lib.mkEnableOption "nightly updates of proxy and Drone";

  config = lib.mkIf cfg.enable {
    systemd.services.ccci-infra-update = reconcile.oneshot "infra-update" {
      wantedBy = [ ];
      after = [ "ccci-proxy.service" "ccci-drone.service" ];
      environment = { INFRA_UPDATE = "1"; }
        // lib.optionalAttrs ccci.proxy.enable { PROXY_DOMAIN = ccci.proxy.domain; }
        // lib.optionalAttrs ccci.drone.enable { DRONE_DOMAIN = ccci.droneDomain; };
    };
    systemd.timers.ccci-infra-update = { wantedBy = [ "timers.target" ]; timerConfig = (import ./unit.nix ./systemd/ccci-infra-update.timer).Timer; };
  };
}
