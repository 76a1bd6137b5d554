# SPDX-License-Identifier: GPL-3.0-or-later
# The images of what was green last are on this host. Off. (An app that runs share is a setting of ccci-run, shared_needs.)
{ config, lib, pkgs, ... }:
let
  cfg = config.services.ccci.warm;
  reconcile = import ./reconcile.nix { inherit lib pkgs config; };
in
{
  options.services.ccci.warm = {
    enable = lib.mkEnableOption "that the images of the newest green runs are pulled every night";
    recipes = lib.mkOption { type = lib.types.listOf lib.types.str; default = [ "*" ]; description = "Recipes, or * for all."; };
  };

  config = lib.mkIf cfg.enable {
    systemd.services.ccci-warm = reconcile.oneshot "warm" { wantedBy = [ ]; environment.WARM = lib.concatStringsSep "," cfg.recipes; };
    systemd.timers.ccci-warm = { wantedBy = [ "timers.target" ]; timerConfig = (import ./unit.nix ./systemd/ccci-warm.timer).Timer; };
  };
}
