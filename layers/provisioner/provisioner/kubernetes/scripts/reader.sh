# A fresh mount on a node of its own, made when all writers are done: what it reads came from the file system, not from
# anybody's cache.
set -eu
sed 's/^/mount /' /proc/mounts

enter : .verification "$RUN"
[ "$MEASURED_FILES" -eq 0 ] || measure_reading || :
for file in *; do
  # A name may hold a line's end, and after it whatever a pod could say.
  case "$file" in
    *[!A-Za-z0-9._-]*)
      echo "no pod of this run made $(printf %s "$file" | tr -c 'A-Za-z0-9._-' '?')"
      exit 1
      ;;
  esac
  refuse_link "$file"
  echo "file $(wc -l <"$file") $(sha256sum <"$file" | cut -d ' ' -f 1) $(stat -c '%u:%g %Y' "$file") $file"
done
ls -l | sed 's/^/listing /'
sed 's/^/text /' out.txt
sed 's/^/counter /' counter

enter : .verification
rm -r "$RUN"
# One run at a time proves a cluster's storage, each of its volumes in a directory <run>-<number>: what else is still
# there was left by one that is dead.
for left in *; do
  case "$left" in
    "${RUN%-*}"-*) ;;
    *) rm -rf "./$left" 2>/dev/null || : ;;
  esac
done
cd /data
rmdir .verification 2>/dev/null || :
echo "done $(date -u +%Y-%m-%dT%H:%M:%SZ)"
