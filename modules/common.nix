# SPDX-License-Identifier: GPL-3.0-or-later
# What the other modules have in common, and what ccci-run is told: /etc/ccci/run.yml and the janitor.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.services.ccci;
  reconcile = import ./reconcile.nix { inherit lib pkgs config; };
  janitor = import ./unit.nix ./systemd/ccci-reap.timer;
  # A JSON text is a YAML scalar.
  yaml = settings: lib.concatStringsSep "" (lib.mapAttrsToList (name: value: "${name}: ${builtins.toJSON value}\n") settings);
in
{
  options.services.ccci = {
    package = mkOption { type = types.package; default = pkgs.ccci; description = "ccci-run and ccci-bridge."; };
    abra = mkOption { type = types.package; default = pkgs.abra; description = "The one abra of this host."; };
    abraDir = mkOption { type = types.path; default = "/root/.abra"; description = "abra's home: servers, recipes."; };
    zone = mkOption { type = types.nonEmptyStr; description = "Zone of the test domains; *.ZONE leads to this host."; };
    giteaUrl = mkOption { type = types.nonEmptyStr; description = "The forge's address."; };
    recipeOrg = mkOption { type = types.nonEmptyStr; description = "Organisation with the recipes."; };
    maxTests = mkOption { type = types.ints.positive; default = 1; description = "Runs at once: slots, and the runner's capacity."; };
    gitTokenFile = mkOption {
      type = types.path;
      default = "/run/secrets/ccci/gitea_token";
      description = "The bot's token, for private mirrors. A text, so that it is not copied to the store.";
    };
    authorityFile = mkOption { type = types.nullOr types.path; default = null; description = "Authority behind the zone's certificate, when it is your own."; };
    droneDomain = mkOption { type = types.nonEmptyStr; default = "drone.${cfg.zone}"; description = "Drone's domain."; };
    rpcSecretFile = mkOption {
      type = types.path;
      default = "/var/lib/ccci-infra/drone_rpc_secret";
      description = "What Drone and its runner share. The module drone makes it once when it is not there.";
    };
    settings = mkOption { type = types.attrs; default = { }; description = "More of run.yml, see ccci-run(1)."; };
  };

  config = {
    environment.systemPackages = [ cfg.package cfg.abra ];
    environment.etc."ccci/run.yml".text = yaml ({
      gitea_url = cfg.giteaUrl;
      git_token_file = cfg.gitTokenFile;
      zone = cfg.zone;
      recipe_org = cfg.recipeOrg;
      max_tests = cfg.maxTests;
      abra_dir = cfg.abraDir;
    } // lib.optionalAttrs (cfg.authorityFile != null) { probe_ca_file = cfg.authorityFile; } // cfg.settings);
    systemd.services.ccci-reap = {
      description = "take down what dead ccci runs left";
      wants = [ "docker.service" "network-online.target" ];
      after = [ "docker.service" "network-online.target" ];
      path = [ cfg.abra pkgs.git pkgs.docker pkgs.openssh ];
      environment.HOME = "/root";
      serviceConfig = reconcile.service ./systemd/ccci-reap.service "${lib.getExe' cfg.package "ccci-run"} reap" { };
    };
    systemd.timers.ccci-reap = { wantedBy = [ "timers.target" ]; timerConfig = janitor.Timer; };
  };
}
