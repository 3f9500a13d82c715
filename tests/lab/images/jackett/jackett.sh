#!/bin/sh
PYTHONPATH=/opt/doubles exec python3 -m jackett_double "$@"
