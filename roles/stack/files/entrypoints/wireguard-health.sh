#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Healthy: wg0 exists with a key, and the way out goes through it. Whether the provider answers is another question.
set -eu

[ "$(wg show wg0 public-key)" != "(none)" ]
ip -4 route show default | grep -q 'dev wg0'
