#!/bin/sh
PYTHONPATH=/opt/doubles exec python3 -m jellyfin_double --version 12.0 --config /config --host 0.0.0.0
