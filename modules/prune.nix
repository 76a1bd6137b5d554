# SPDX-License-Identifier: GPL-3.0-or-later
# Images that no run needs go when the disk or its inodes are short.
{ config, lib, pkgs, ... }:
let
  cfg = config.services.ccci.prune;
  reconcile = import ./reconcile.nix { inherit lib pkgs config; };
in
{
  options.services.ccci.prune = {
    enable = lib.mkOption { type = lib.types.bool; default = true; description = "Whether images are removed when the disk is short."; };
    dates = lib.mkOption { type = lib.types.nonEmptyStr; default = (import ./unit.nix ./systemd/ccci-prune.timer).Timer.OnCalendar; description = "When to look, see systemd.time(7)."; };
  };

  config = lib.mkIf cfg.enable {
    systemd.services.ccci-prune = reconcile.oneshot "prune" { wantedBy = [ ]; after = [ "ccci-reap.service" ]; };
    systemd.timers.ccci-prune = { wantedBy = [ "timers.target" ]; timerConfig = { OnCalendar = cfg.dates; RandomizedDelaySec = "10min"; }; };
  };
}
