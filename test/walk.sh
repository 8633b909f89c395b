#!/usr/bin/env bash
# Walks through the service as its first operator and its first client do: starts it where nothing was before, makes
# the first administrator, signs in and out, and stops it. Ends with exit code 1 at the first answer that is wrong.
#
# Usage: walk.sh FOLDER, a fresh copy of the project with its packages.
set -euo pipefail
# Each job in a process group of its own, so that whatever npm started can be ended with it.
set -m

cd "${1:?the folder of a fresh copy of the project}"
scratch=$(mktemp -d)
npm_pid=

clean_up() {
  [ -z "$npm_pid" ] || kill -KILL -- "-$npm_pid" 2>/dev/null || true
  rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

fail() {
  echo "FAILED: $*"
  if [ -s "$scratch/body" ]; then echo "the last answer: $(cat "$scratch/body")"; fi
  if [ -s "$scratch/log" ]; then tail -n 20 "$scratch/log"; fi
  exit 1
}

step() { echo "ok: $*"; }

# is WHAT EXPECTED CAME
is() { [ "$2" = "$3" ] || fail "$1: expected $2, but $3 came"; }

# ask STATUS METHOD PATH [JSON]: the answer's body is in $scratch/body afterwards. Cookies are kept as in a browser; while
# $token is set, it is sent instead of them.
token=
ask() {
  local status
  local body=()
  local who=(--cookie "$scratch/jar" --cookie-jar "$scratch/jar")
  [ $# -lt 4 ] || body=(--header 'Content-Type: application/json' --data "$4")
  [ -z "$token" ] || who=(--header "Authorization: Bearer $token")
  status=$(curl --silent --show-error --max-time 20 --noproxy '*' --request "$2" "${who[@]}" --dump-header "$scratch/headers" --output "$scratch/body" \
    --write-out '%{http_code}' "${body[@]}" "$url$3") || fail "$2 $3: no answer"
  is "$2 $3: the status" "$1" "$status"
}

# field EXPRESSION: of the last answer, such as .user.id
field() { node -p "JSON.parse(require('node:fs').readFileSync(process.argv[1], 'utf8'))$1" "$scratch/body"; }

# problem STATUS: the last answer is problem details of that status.
problem() {
  local type
  type=$(sed -n 's/^content-type: *\([^;[:space:]]*\).*/\1/ip' "$scratch/headers")
  is 'the content type' application/problem+json "$type"
  is 'the status in the body' "$1" "$(field .status)"
}

# wait_for TENTHS COMMAND...: asks again until the command succeeds.
wait_for() {
  local left=$1
  shift
  until "$@"; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || return 1
    sleep 0.1
  done
}

find_url() {
  url=$(sed -n 's/^Rollcall .* listens on \(http:[^,]*\),.*/\1/p' "$scratch/log")
  [ -n "$url" ]
}

url=
PORT=0 npm start >"$scratch/log" 2>&1 &
npm_pid=$!
wait_for 300 find_url || fail 'npm start: expected a line that says where it listens, but none came'
step "npm start listens on $url"

ask 200 GET /
is 'the name' rollcall "$(field .name)"
is 'the link to the users' /api/users "$(field .links.users)"
step 'the index says what this is'

ask 401 GET /api/users
problem 401
step 'who is not signed in gets a 401 as JSON'

password='correct horse battery staple'
printf '%s\n' "$password" | npm run -s manage -- user create ann --admin --password-stdin >"$scratch/made" ||
  fail 'user create: it did not succeed'
grep -q '^created ann, an administrator' "$scratch/made" ||
  fail "user create: expected 'created ann, an administrator', but '$(cat "$scratch/made")' came"
step 'the first administrator is made'

ask 200 POST /api/sign/in "{\"username\":\"ann\",\"password\":\"$password\"}"
is 'the user' ann "$(field .user.username)"
step 'ann signs in'

ask 200 GET /api/users
is 'the number of users' 1 "$(field .items.length)"
is 'the first user' ann "$(field '.items[0].username')"
step 'and lists the users'

ask 201 POST /api/users "{\"username\":\"bob\",\"password\":\"$password\"}"
bob=$(field .id)
ask 201 POST /api/groups '{"name":"editors","title":"Editors"}'
editors=$(field .id)
ask 200 PUT "/api/groups/$editors/members/$bob" '{"role":"member"}'
is 'the member' bob "$(field .user.username)"
is 'the role' member "$(field .role)"
step 'and makes the user bob and the group editors, and puts one into the other'

ask 200 GET /api/sessions
is 'the number of sessions' 1 "$(field .items.length)"
is 'whether it is this one' true "$(field '.items[0].current')"
step 'and sees where she is signed in'

ask 201 POST /api/tokens '{"name":"walk","scopes":["users:write"]}'
made=$(field .id)
token=$(field .secret)
ask 201 POST /api/users '{"username":"cleo"}'
cleo=$(field .id)
code=$(field .reset.code)
ask 403 POST /api/groups '{"name":"readers"}'
problem 403
token=
ask 200 GET /api/tokens
is 'the scope' users:write "$(field '.items[0].scopes[0]')"
step 'and makes a token that may make users and nothing else, and the user cleo with it'

ask 204 POST /api/sign/out
new_password='another horse battery staple'
ask 204 POST /api/sign/reset "{\"code\":\"$code\",\"password\":\"$new_password\"}"
ask 400 POST /api/sign/reset "{\"code\":\"$code\",\"password\":\"$new_password\"}"
problem 400
ask 200 POST /api/sign/in "{\"username\":\"cleo\",\"password\":\"$new_password\"}"
ask 403 GET "/api/groups/$editors/members"
ask 204 POST /api/sign/out
step 'cleo sets a password with her code, which works once, and signs in'

ask 200 POST /api/sign/in "{\"username\":\"ann\",\"password\":\"$password\"}"
ask 204 DELETE "/api/tokens/$made"
ask 200 PUT "/api/groups/$editors/members/$bob" '{"role":"manager"}'
ask 200 GET "/api/audit?event=membership-set&target=$bob"
is 'the number of entries' 2 "$(field .items.length)"
is 'who did it' ann "$(field '.items[0].actor.username')"
is 'the role that he has now' manager "$(field '.items[0].after.role')"
ask 204 POST /api/sign/out
step 'ann ends the token, and makes bob a manager of the editors, which the audit trail tells of'

ask 200 POST /api/sign/in "{\"username\":\"bob\",\"password\":\"$password\"}"
ask 200 PUT "/api/groups/$editors/members/$cleo" '{"role":"member"}'
ask 200 GET "/api/users/$cleo/groups"
is 'the group' editors "$(field '.items[0].group.name')"
ask 204 DELETE "/api/groups/$editors/members/$cleo"
ask 200 GET /api/sign
is 'the user' bob "$(field .user.username)"
is 'the number of permissions' 0 "$(field .permissions.length)"
step 'bob signs in, and manages the members of his group'

ask 403 POST /api/users '{"username":"cem"}'
problem 403
step 'and may not make another user'

cp "$scratch/jar" "$scratch/kept"
ask 204 POST /api/sign/out
ask 401 GET /api/users
problem 401
cp "$scratch/kept" "$scratch/jar"
ask 401 GET /api/users
step 'and is unknown once he has signed out, even with the cookie that he had'

kill -TERM "$npm_pid"
has_ended() { ! kill -0 "$npm_pid" 2>/dev/null; }
wait_for 100 has_ended || fail 'SIGTERM: expected npm to end, but it is still there'
rm -f "$scratch/body"
gone() { ! curl --silent --max-time 2 --noproxy '*' --output "$scratch/last" "$url/"; }
wait_for 100 gone || fail "SIGTERM to npm: expected the service to end, but it still answers at $url"
nobody_left() { ! kill -0 -- "-$npm_pid" 2>/dev/null; }
wait_for 100 nobody_left || fail 'SIGTERM to npm: expected all of its processes to end, but some are left'
npm_pid=
step 'the service ends when npm is told to'
