# Looks for what has just been written, at every place where this mount would show it: its own volume's file is found,
# or looking proves nothing; those of other volumes are not, where volumes are apart.
set -eu
sed 's/^/mount /' /proc/mounts

printf '%s\n' "$PLACES" | while IFS= read -r place; do
  if found=$({ sha256sum <"/data/$place"; } 2>/dev/null); then
    echo "read ${found%% *} $place"
  else
    echo "unread $place"
  fi
done
echo "done $(date -u +%Y-%m-%dT%H:%M:%SZ)"
