#!/bin/sh
# As the images registry:2 and registry:3 have it: a configuration alone is served.
set -e

case "${1:-}" in
  *.yaml | *.yml) set -- registry serve "$@" ;;
  keep | prune | apply | import) set -- wharf "$@" ;;
  serve | garbage-collect | help | -*) set -- registry "$@" ;;
esac

exec "$@"
