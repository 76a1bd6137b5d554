# SPDX-License-Identifier: GPL-3.0-or-later
# ccci-rebuild: this host from its own repository, in a unit of its own, back again when it is not well (rebuild.sh).
{ config, lib, pkgs, ... }:
let
  ccci = config.services.ccci;
in
{
  options.services.ccci.rebuild.enable = lib.mkEnableOption "the program ccci-rebuild";

  config = lib.mkIf ccci.rebuild.enable {
    environment.systemPackages = [
      (pkgs.writeShellApplication {
        name = "ccci-rebuild";
        text = builtins.readFile ./rebuild.sh;
        # nixos-rebuild is the host's own.
        runtimeInputs = [ pkgs.coreutils pkgs.gawk pkgs.git pkgs.gnugrep pkgs.systemd ccci.package ];
      })
    ];
  };
}
