# Writes its own file and its share of the shared counter, says what it wrote, and stays: the writers are deleted
# together, once all of them are done.
set -eu
trap 'exit 0' TERM
sed 's/^/mount /' /proc/mounts

enter 'mkdir -p' .verification "$RUN"
file="$POD_NAME.txt"
for name in "$file" counter .measured; do
  refuse_link "$name"
done
number=1
while [ "$number" -le "$LINE_COUNT" ]; do
  echo "$NONCE $POD_NAME $number"
  number=$((number + 1))
done >"$file"
sync "$file"
[ "$MEASURED_FILES" -eq 0 ] || measure_writing || :

# Read, raise and write back: without a lock that holds across nodes, increments get lost.
increment() {
  exec 9>>counter # NFS grants an exclusive lock only on a file that is open for writing
  # Asked again and again, as the kernel's own wait for an NFS lock grows to half a minute.
  until flock -n 9; do
    status=$?
    [ "$status" -eq 1 ] || exit "$status"
    sleep 0.1
  done
  count=0
  read -r count <counter || :
  echo $((${count:-0} + 1)) >counter
  exec 9>&-
}

# One increment says "I am here". The others follow when all writers are, or after a minute: locks want contenders.
increment
patience=600
until [ "${count:-0}" -ge "$WRITER_COUNT" ] || [ "$patience" -eq 0 ]; do
  sleep 0.1
  patience=$((patience - 1))
  read -r count <counter || :
done
number=1
while [ "$number" -lt "$INCREMENT_COUNT" ]; do
  increment
  number=$((number + 1))
done
[ "$MEASURED_FILES" -eq 0 ] || [ "${count:-0}" -lt "$WRITER_COUNT" ] || measure_reading || :

echo "file $(wc -l <"$file") $(sha256sum <"$file" | cut -d ' ' -f 1) $(stat -c '%u:%g %Y' "$file") $file"
echo "done $(date -u +%Y-%m-%dT%H:%M:%SZ)"
while :; do
  sleep 3600 &
  wait $!
done
