# Appends the date, as one does by hand to see whether a volume works. One appender: NFS has no atomic append.
set -eu
sed 's/^/mount /' /proc/mounts

enter 'mkdir -p' .verification "$RUN"
refuse_link out.txt
number=1
while [ "$number" -le "$LINE_COUNT" ]; do
  line="$number $(date -u)"
  echo "$line" >>out.txt
  echo "text $line"
  number=$((number + 1))
done
sync out.txt

echo "file $(wc -l <out.txt) $(sha256sum <out.txt | cut -d ' ' -f 1) $(stat -c '%u:%g %Y' out.txt) out.txt"
echo "done $(date -u +%Y-%m-%dT%H:%M:%SZ)"
