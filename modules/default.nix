# SPDX-License-Identifier: GPL-3.0-or-later
# Everything; what is to be on says so by its own enable.
{
  imports = [
    ./common.nix ./swarm.nix ./proxy.nix ./drone.nix ./drone-runner.nix ./bridge.nix ./prune.nix ./registry-cache.nix ./warm.nix
    ./infra-update.nix ./secrets.nix ./rebuild.nix
  ];
}
