# SPDX-License-Identifier: GPL-3.0-or-later
# Secrets by sops-nix, whose module the host imports too. The file is encrypted for two keys: this host's own ssh key, taken
# as an age identity, and a recovery key that is kept elsewhere (docs/nixos.md: how both are made, how keys are changed).
# Where the other modules look, /run/secrets/ccci/NAME, is where sops-nix puts them.
{ config, lib, options ? { sops = { }; }, ... }:
let
  inherit (lib) mkOption optionalAttrs types;
  ccci = config.services.ccci;
  cfg = ccci.secrets;
in
{
  options.services.ccci.secrets = {
    enable = lib.mkEnableOption "secrets by sops-nix";
    file = mkOption { type = types.path; description = "The encrypted file, as it is in the host's repository."; };
    hostKey = mkOption { type = types.path; default = "/etc/ssh/ssh_host_ed25519_key"; description = "The host's ssh key."; };
  };

  # Even what is off may not name an option that no module declares.
  config = lib.mkIf cfg.enable ({
    assertions = [
      { assertion = options ? sops; message = "services.ccci.secrets: the host has to import sops-nix's module too"; }
    ];
  } // optionalAttrs (options ? sops) {
    sops.defaultSopsFile = cfg.file;
    sops.age.sshKeyPaths = [ cfg.hostKey ];
    # The reconcilers look at their files when they run; the bridge gets its own as it starts.
    sops.secrets = { "ccci/gitea_token" = optionalAttrs ccci.bridge.enable { restartUnits = [ "ccci-bridge.service" ]; }; }
      // optionalAttrs ccci.bridge.enable { "ccci/drone_token".restartUnits = [ "ccci-bridge.service" ]; }
      // optionalAttrs (ccci.proxy.enable or false) {
        "ccci/proxy_cert".restartUnits = [ "ccci-proxy.service" ];
        "ccci/proxy_key".restartUnits = [ "ccci-proxy.service" ];
      }
      // optionalAttrs (ccci.drone.enable or false) { "ccci/drone_client_secret".restartUnits = [ "ccci-drone.service" ]; };
  });
}
