# SPDX-License-Identifier: GPL-3.0-or-later
# ccci-bridge: as shut in as on Debian, its tokens as credentials.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkOption types;
  ccci = config.services.ccci;
  cfg = ccci.bridge;
  reconcile = import ./reconcile.nix { inherit lib pkgs config; };
  yaml = settings: lib.concatStringsSep "" (lib.mapAttrsToList (name: value: "${name}: ${builtins.toJSON value}\n") settings);
  text = yaml ({
    gitea_url = ccci.giteaUrl;
    drone_url = cfg.droneUrl;
    ci_repo = cfg.ciRepo;
    poll_repos = lib.concatStringsSep "," cfg.pollRepos;
  } // cfg.settings);
in
{
  options.services.ccci.bridge = {
    enable = lib.mkEnableOption "ccci-bridge";
    droneUrl = mkOption { type = types.nonEmptyStr; default = "https://${ccci.droneDomain}"; description = "Drone's address."; };
    ciRepo = mkOption { type = types.nonEmptyStr; description = "CI repository, owner/repo."; };
    pollRepos = mkOption { type = types.listOf types.str; default = [ "${ccci.recipeOrg}/*" ]; description = "Repositories that may say !testme."; };
    giteaTokenFile = mkOption { type = types.path; default = "/run/secrets/ccci/gitea_token"; description = "The bot's token."; };
    droneTokenFile = mkOption { type = types.path; default = "/run/secrets/ccci/drone_token"; description = "Drone's token."; };
    settings = mkOption { type = types.attrs; default = { }; description = "More of bridge.yml, see ccci-bridge(8)."; };
  };

  config = lib.mkIf cfg.enable {
    environment.etc."ccci/bridge.yml".text = text;
    users.users.ccci-bridge = { isSystemUser = true; group = "ccci-bridge"; };
    users.groups.ccci-bridge = { };
    systemd.services.ccci-bridge = {
      description = "ccci bridge: pull request comments to CI builds";
      wants = [ "network-online.target" ];
      after = [ "network-online.target" ];
      wantedBy = [ "multi-user.target" ];
      restartTriggers = [ text ];
      unitConfig.StartLimitIntervalSec = 0;
      serviceConfig = reconcile.service ./systemd/ccci-bridge.service (lib.getExe' ccci.package "ccci-bridge") {
        ExecReload = "${lib.getExe' pkgs.coreutils "kill"} -HUP $MAINPID";
        LoadCredential = [ "gitea_token:${cfg.giteaTokenFile}" "drone_token:${cfg.droneTokenFile}" ];
        Environment = [ "GITEA_TOKEN_FILE=%d/gitea_token" "DRONE_TOKEN_FILE=%d/drone_token" ];
      };
    };
  };
}
