#!/bin/sh
# Prints where the installed Terraform is, if it is new enough for the provider (1.11); else nothing.
set -eu
found=$(command -v terraform 2>/dev/null) || exit 0
# As the demo starts it: a version manager that then does not know which one is meant does not count.
first=$(CDPATH='' cd -- "$(dirname -- "$0")" && ./without-settings env CHECKPOINT_DISABLE=1 "$found" version 2>/dev/null) || exit 0
version=${first%%
*}
version=${version#Terraform v}
major=${version%%.*}
minor=${version#*.}
minor=${minor%%.*}
case $major.$minor in
*[!0-9.]* | .* | *.) exit 0 ;;
esac
if [ "$major" -gt 1 ] || { [ "$major" -eq 1 ] && [ "$minor" -ge 11 ]; }; then
    printf '%s\n' "$found"
fi
