#!/usr/bin/env bash
# Start `companion serve` in the background of a job of GitHub Actions, wait until GET /health says that it is ready, and pass its
# addresses and its token on to the following steps, as outputs and as variables. The runner ends it with the job.
#
# The inputs are the variables COMPANION_INPUT_… of action.yml. It needs curl, which all runners have.
set -euo pipefail

fail() { echo "::error title=P2P Chat Companion::$*" >&2; exit 1; }
[[ -n ${RUNNER_TEMP:-} && -n ${GITHUB_OUTPUT:-} && -n ${GITHUB_ENV:-} && -n ${GITHUB_PATH:-} ]] ||
    fail "RUNNER_TEMP, GITHUB_OUTPUT, GITHUB_ENV and GITHUB_PATH are not set: this script runs in GitHub Actions."

# show_log: print what the companion printed. Names of files of the repository in it must not become commands of the runner.
show_log() {
    local resume
    resume=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    printf '::stop-commands::%s\n' "$resume"
    cat "$log"
    printf '::%s::\n' "$resume"
}

# path FOLDER: print its absolute path, on Windows as D:/folder, which both this shell and other programs understand
path() { (cd "$1" && if command -v cygpath >/dev/null; then cygpath -m "$PWD"; else pwd; fi); }

data=${COMPANION_INPUT_DATA:-}
if [[ -z $data ]]; then data=$(mktemp -d "$RUNNER_TEMP/companion-XXXXXX"); fi
mkdir -p "$data"
data=$(path "$data")
command=${COMPANION_INPUT_COMMAND:?}
log=$data/serve.log

words=(
    serve --data-dir "$data" --token-file "$data/token" --port "${COMPANION_INPUT_PORT:-8081}"
    --rest-port "${COMPANION_INPUT_REST_PORT:-8080}" --control-port "${COMPANION_INPUT_CONTROL_PORT:-8082}"
)
for name in events fixtures sessions faults; do
    variable=COMPANION_INPUT_$(tr '[:lower:]' '[:upper:]' <<<"$name")
    [[ -n ${!variable:-} ]] || continue
    words+=("--$name" "${!variable}")
    if [[ ! -d ${!variable} ]]; then
        echo "::warning title=P2P Chat Companion::The folder of the input $name does not exist. It is relative to the folder of this job."
    fi
done
read -r -a more <<<"${COMPANION_INPUT_ARGS:-}" || :
words+=(${more[@]+"${more[@]}"})

: >"$log" # it is read before the companion may have created it
# The companion must not keep the output of this step open: the runner would wait until it closes.
nohup "$command" "${words[@]}" >"$log" 2>&1 </dev/null &
companion=$!

# url WORD: print the URL that the companion printed after WORD, if there is one
url() { sed -n "s/^$1 \([a-z]*:[^ ]*\)[[:space:]]*$/\1/p" "$log" | head -1 | tr -d '\r'; }

# without_control: whether the companion is ready, but without its control API, for example because the port is busy
without_control() {
    local events
    events=$(url listening)
    [[ -n $events && -z $(url control) ]] || return 1
    local address=${events#ws://}
    curl -fs --noproxy "*" --max-time 5 -o /dev/null "http://${address%%/*}/health" || return 1
    sleep 1 # it prints the lines when it is ready
    [[ -z $(url control) ]]
}

end=$((SECONDS + ${COMPANION_INPUT_TIMEOUT:-60}))
until control=$(url control) && [[ -n $control ]] && curl -fs --noproxy "*" --max-time 5 -o /dev/null "$control/health"; do
    if ! kill -0 "$companion" 2>/dev/null; then
        show_log
        fail "The companion could not be started: $(tail -1 "$log")"
    elif without_control; then
        show_log
        kill "$companion" 2>/dev/null || :
        fail "The control API, which this action needs, could not be started: $(tail -1 "$log")"
    elif ((SECONDS >= end)); then
        show_log
        kill "$companion" 2>/dev/null || :
        fail "The companion was not ready within ${COMPANION_INPUT_TIMEOUT:-60} s."
    fi
    sleep 0.2
done
disown "$companion"

events=$(url listening) rest=$(url answering) token=$(tr -d '\r\n' <"$data/token")
echo "::add-mask::$token"
port=${events#ws://*:}
{
    echo "events-url=$events"
    echo "rest-url=$rest"
    echo "control-url=$control"
    echo "port=${port%%/*}"
    echo "token=$token"
    echo "data=$data"
    echo "log=$log"
} >>"$GITHUB_OUTPUT"
{
    echo "COMPANION_DATA_DIR=$data" # the commands of the companion find the running one by this folder
    echo "COMPANION_COMMAND=$command"
    echo "COMPANION_EVENTS_URL=$events"
    echo "COMPANION_REST_URL=$rest"
    echo "COMPANION_CONTROL_URL=$control"
    echo "COMPANION_TOKEN=$token"
} >>"$GITHUB_ENV"
if [[ $command == */* ]]; then path "$(dirname "$command")" >>"$GITHUB_PATH"; fi
show_log
