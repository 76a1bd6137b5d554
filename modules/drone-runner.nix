# SPDX-License-Identifier: GPL-3.0-or-later
# Drone's exec runner, whose steps are ccci-run, with as many builds at once as there are slots. nixpkgs calls it unfree: the
# host says `nixpkgs.config.allowUnfreePredicate = p: lib.getName p == "drone-runner-exec";`, or names a package of its own.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkOption types;
  ccci = config.services.ccci;
  cfg = ccci.drone-runner;
  reconcile = import ./reconcile.nix { inherit lib pkgs config; };
in
{
  options.services.ccci.drone-runner = {
    enable = lib.mkEnableOption "Drone's exec runner on this host";
    package = mkOption { type = types.package; default = pkgs.drone-runner-exec; description = "The runner."; };
    environmentFile = mkOption { type = types.path; default = "/var/lib/ccci-infra/drone-runner.env"; description = "What it is started with; reconcile/drone-runner.sh keeps it."; };
  };

  config = lib.mkIf cfg.enable {
    systemd.services.ccci-drone-runner = reconcile.oneshot "drone-runner" {
      after = [ "ccci-drone.service" ];
      environment = {
        DRONE_DOMAIN = ccci.droneDomain;
        DRONE_RPC_SECRET_FILE = ccci.rpcSecretFile;
        RUNNER_ENV = cfg.environmentFile;
        MAX_TESTS = toString ccci.maxTests;
      };
    };
    systemd.services.drone-runner-exec = {
      description = "Drone's exec runner for ccci";
      wants = [ "docker.service" "network-online.target" ];
      after = [ "docker.service" "network-online.target" "ccci-drone-runner.service" ];
      wantedBy = [ "multi-user.target" ];
      unitConfig.ConditionPathExists = cfg.environmentFile;
      path = [ ccci.package ccci.abra pkgs.bash pkgs.bubblewrap pkgs.docker pkgs.git pkgs.openssh ];
      environment.HOME = "/root";
      # A new generation is no reason to end the build that runs.
      restartIfChanged = false;
      serviceConfig = reconcile.service ./systemd/drone-runner-exec.service "${lib.getExe' cfg.package "drone-runner-exec"} daemon" {
        EnvironmentFile = cfg.environmentFile;
      };
    };
  };
}
