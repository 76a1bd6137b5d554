# SPDX-License-Identifier: GPL-3.0-or-later
# The other way to keep a house: proxy and Drone are plain apps that their maintainers deploy with abra, and nothing here
# touches them. What is left is the host: Docker with a Swarm, the runner, the bridge. The runner's secret is Drone's, from
# where its maintainers keep it (services.ccci.rpcSecretFile).
{
  imports = [
    ./common.nix ./swarm.nix ./drone-runner.nix ./bridge.nix ./prune.nix ./registry-cache.nix ./warm.nix ./secrets.nix
    ./rebuild.nix
  ];
}
