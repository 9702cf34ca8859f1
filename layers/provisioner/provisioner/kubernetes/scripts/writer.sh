# Writes its own file, says what it wrote, and stays: the writers are deleted together, once all of them are done.
set -eu
trap 'exit 0' TERM
sed 's/^/mount /' /proc/mounts

mkdir -p "/data/.verification/$RUN"
cd "/data/.verification/$RUN"
file="$POD_NAME.txt"
number=1
while [ "$number" -le "$LINE_COUNT" ]; do
  echo "$NONCE $POD_NAME $number"
  number=$((number + 1))
done >"$file"
sync "$file"

echo "file $(wc -l <"$file") $(sha256sum <"$file" | cut -d ' ' -f 1) $(stat -c '%u:%g %Y' "$file") $file"
echo "done $(date -u +%Y-%m-%dT%H:%M:%SZ)"
while :; do
  sleep 3600 &
  wait $!
done
