"""Shell: the text of the script that runs a suite inside its pod; `jobscript` gives it its words and reads it."""

FOLDER = "/tmp/davy"  # noqa: S108 -- a volume of the pod's own

SCRIPT = (
    """
# One pipe: what comes through two may overtake each other, and the end would come before an error's last words.
exec 2>&1
mark=$1 run=$2 most=$3 limit=$4 shards=$5
shift 5
index=${JOB_COMPLETION_INDEX:-0}
own= reports= home=$PWD
while [ "$shards" -gt 0 ]; do
  if [ "$index" -eq 0 ]; then own=$1; fi
  index=$((index - 1)) shards=$((shards - 1))
  shift
done
eval "$own"
JUNIT=FOLDER/junit.xml
export JUNIT
mkdir -p FOLDER
: >FOLDER/.began
uptime() { { read -r up _ </proc/uptime; } 2>/dev/null && echo "$up"; }
began=$(uptime)
/bin/sh -c "$run" &
child=$!
(sleep "$limit" && : >FOLDER/.late && kill -TERM "$child" && sleep 3 && kill -KILL "$child") >/dev/null 2>&1 &
watch=$!
trap ': >FOLDER/.told; kill -TERM "$child" 2>/dev/null; (sleep 3; kill -KILL "$child" 2>/dev/null) & ' TERM INT
wait "$child" 2>/dev/null
code=$?
# A signal ends `wait` early: wait again for what the trap ended.
if [ "$code" -gt 128 ] && kill -0 "$child" 2>/dev/null; then wait "$child" 2>/dev/null; code=$?; fi
finished=$(uptime)
trap '' TERM INT
kill "$watch" 2>/dev/null
has() { command -v "$1" >/dev/null 2>&1; }
sent() {
  size=$(wc -c <"$2")
  if [ "$size" -gt "$most" ]; then
    printf '%s large %s %s\\n' "$mark" "$1" "$size"
  else
    printf '%s part %s %s\\n' "$mark" "$1" "$size"
    base64 "$2"
  fi
}
printf '\\n%s exit %s %s %s\\n' "$mark" "$code" "$began" "$finished"
if [ -f FOLDER/.late ]; then printf '%s late\\n' "$mark"; fi
if [ -f FOLDER/.told ]; then printf '%s told\\n' "$mark"; fi
if [ -L "$JUNIT" ]; then
  printf '%s odd link\\n' "$mark"
elif [ -f "$JUNIT" ]; then
  if has gzip && has base64; then
    if gzip -c "$JUNIT" >FOLDER/.junit; then sent junit.gz FOLDER/.junit; else printf '%s lost junit\\n' "$mark"; fi
  elif has base64; then
    sent junit "$JUNIT"
  else
    printf '%s part junit.text %s\\n' "$mark" "$(wc -l <"$JUNIT")"
    cat "$JUNIT"
    echo
  fi
elif [ -d "$JUNIT" ]; then
  reports="${reports:+$reports
}$JUNIT
$JUNIT"
elif [ -e "$JUNIT" ]; then
  printf '%s odd file\\n' "$mark"
fi
# Two lines for each glob: the folder to look in, and a pattern that means at least what the glob does.
if [ -n "$reports" ]; then
  if has find && has tar && has gzip && has base64 && has sed; then
    printf '%s home %s\\n' "$mark" "$home"
    cd "$home" || :
    printf '%s\\n' "$reports" | while IFS= read -r base && IFS= read -r pattern; do
      find "$base" -type f '(' -path "$pattern" -o -path "$pattern/*.xml" -o -path "$pattern/*.trx" ')' 2>/dev/null
    done | while IFS= read -r path; do
      if [ FOLDER/.began -nt "$path" ]; then
        printf '%s stale %s\\n' "$mark" "$path"
      else
        case $path in ./*) path=$home/${path#./} ;; esac
        printf '%s\\n' "$path"
      fi
    done >FOLDER/.listed
    sed -n "s,^$mark stale ,&,p" FOLDER/.listed
    sed -n 's,^/,./,p' FOLDER/.listed >FOLDER/.list
    if [ -s FOLDER/.list ]; then
      if tar -C / -cf - -T FOLDER/.list | gzip -c >FOLDER/.reports; then
        sent reports.tgz FOLDER/.reports
      else
        printf '%s lost junit\\n' "$mark"
      fi
    elif [ -d "$JUNIT" ] && [ -n "$(ls "$JUNIT")" ]; then
      printf '%s lost folder\\n' "$mark"
    fi
  else
    printf '%s lost reports\\n' "$mark"
  fi
fi
for path in "$@"; do
  shift
  if [ -e "$path" ]; then set -- "$@" "${path#/}"; else printf '%s none %s\\n' "$mark" "$path"; fi
done
if [ "$#" -gt 0 ]; then
  if has tar && has gzip && has base64; then
    tar -C / -cf - "$@" 2>/dev/null | gzip -c >FOLDER/.files
    sent files.tgz FOLDER/.files
  else
    printf '%s untold files\\n' "$mark"
  fi
fi
printf '%s end\\n' "$mark"
# A runtime may drop what is still in its pipes when the last process ends (seen with containerd 1.6: up to 30 KB).
sleep 1
exit "$code"
"""
).replace("FOLDER", FOLDER)
"""For /bin/sh. Words: the mark, the suite's command, the most bytes of a packed part, the seconds it may take, how many
shards there are, what each shard evaluates first, and the paths to collect."""
