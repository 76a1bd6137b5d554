# SPDX-License-Identifier: GPL-3.0-or-later
# The recipe traefik with the operator's certificate, kept as it should be by reconcile/proxy.sh.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.services.ccci.proxy;
  reconcile = import ./reconcile.nix { inherit lib pkgs config; };
in
{
  options.services.ccci.proxy = {
    enable = lib.mkEnableOption "the proxy, deployed by abra";
    domain = mkOption { type = types.nonEmptyStr; default = "traefik.${config.services.ccci.zone}"; description = "The proxy's own domain."; };
    certificateFile = mkOption { type = types.path; default = "/run/secrets/ccci/proxy_cert"; description = "Certificate of *.ZONE, PEM."; };
    keyFile = mkOption { type = types.path; default = "/run/secrets/ccci/proxy_key"; description = "Its key."; };
  };

  config = lib.mkIf cfg.enable {
    networking.firewall.allowedTCPPorts = [ 80 443 ];
    systemd.services.ccci-proxy = reconcile.oneshot "proxy" {
      after = [ "ccci-swarm.service" ];
      environment = {
        PROXY_DOMAIN = cfg.domain;
        PROXY_CERT = cfg.certificateFile;
        PROXY_KEY = cfg.keyFile;
      };
    };
  };
}
