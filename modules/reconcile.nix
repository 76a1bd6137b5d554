# SPDX-License-Identifier: GPL-3.0-or-later
# A reconciler as a program and as a oneshot that runs at each boot and each activation: the text of reconcile/NAME.sh, the
# rest of the unit from systemd/ccci-NAME.service.
{ lib, pkgs, config }:
let
  cfg = config.services.ccci;
  withoutStart = service: removeAttrs service [ "ExecStart" "Environment" ];
in
rec {
  script = name: pkgs.writeShellApplication {
    name = "ccci-${name}";
    text = builtins.readFile ./reconcile/common.sh + builtins.readFile (./reconcile + "/${name}.sh");
    # `./dev lint` has looked at each file; put together, what one of them leaves unused would count as a mistake.
    checkPhase = ":";
    runtimeInputs = [
      pkgs.coreutils pkgs.curl pkgs.docker pkgs.gawk pkgs.git pkgs.gnugrep pkgs.gnused pkgs.openssl pkgs.systemd pkgs.util-linux
      cfg.abra cfg.package
    ];
  };

  # environment: the settings of docs/install.md, as texts.
  oneshot = name: { environment ? { }, after ? [ ], wantedBy ? [ "multi-user.target" ] }:
    let unit = import ./unit.nix (./systemd + "/ccci-${name}.service"); in
    {
      description = unit.Unit.Description;
      wants = [ "network-online.target" ];
      after = [ "docker.service" "network-online.target" ] ++ after;
      inherit wantedBy;
      environment = { HOME = "/root"; ABRA_DIR = cfg.abraDir; ZONE = cfg.zone; STATE_DIR = "/var/lib/ccci"; }
        // lib.optionalAttrs (cfg.authorityFile != null) { PROBE_CA_FILE = cfg.authorityFile; }
        // environment;
      serviceConfig = withoutStart unit.Service // { ExecStart = lib.getExe (script name); };
    };

  # A unit of systemd/ that starts a program of ours; what comes last in it is the host's.
  service = file: start: more: withoutStart (import ./unit.nix file).Service // { ExecStart = start; } // more;
}
