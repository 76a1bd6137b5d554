# SPDX-License-Identifier: GPL-3.0-or-later
# The recipe drone with the forge's people, kept as it should be by reconcile/drone.sh.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkOption types;
  ccci = config.services.ccci;
  cfg = ccci.drone;
  reconcile = import ./reconcile.nix { inherit lib pkgs config; };
in
{
  options.services.ccci.drone = {
    enable = lib.mkEnableOption "Drone, deployed by abra";
    admin = mkOption { type = types.nonEmptyStr; description = "User of the forge who is Drone's administrator."; };
    clientId = mkOption { type = types.nonEmptyStr; description = "Client id of the OAuth2 application; its redirect URL is https://droneDomain/login."; };
    clientSecretFile = mkOption { type = types.path; default = "/run/secrets/ccci/drone_client_secret"; description = "That application's secret."; };
  };

  config = lib.mkIf cfg.enable {
    systemd.services.ccci-drone = reconcile.oneshot "drone" {
      after = [ "ccci-swarm.service" "ccci-proxy.service" ];
      environment = {
        GITEA_URL = ccci.giteaUrl;
        DRONE_DOMAIN = ccci.droneDomain;
        DRONE_ADMIN = cfg.admin;
        DRONE_CLIENT_ID = cfg.clientId;
        DRONE_CLIENT_SECRET_FILE = cfg.clientSecretFile;
        DRONE_RPC_SECRET_FILE = ccci.rpcSecretFile;
      };
    };
  };
}
