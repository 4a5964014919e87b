# What runs on a host, as the argument of sh -c: it finds the agent, or takes it
# from its standard input, and becomes it. Comments are left out and the lines
# are joined to one, so that any login shell takes it between single quotes:
# hence no single quote, backslash or exclamation mark, and a semicolon where
# another script has none. Any POSIX sh will do, with ls, mkdir, chmod, mv, rm,
# dd, wc, uname and find; gzip and something that computes SHA-256 are used
# where they are. Standard input is read to the byte, for what comes behind the
# agent is for the agent. LUAGW_SERVE and LUAGW_AHEAD are all that this adds to its
# environment.

# A bash may come with options that the login shell has exported.
set +Cefu;

# l is what the near side has sent ahead, in base64, if it could send a variable. It
# is for the agent alone.
l=$LC_LUAGW; unset LC_LUAGW;

# pick: h is the hash that is wanted where uname says m; 0 if there is none for this
# platform, or none yet.
pick() { case $m in
@HASHES@
*) h=0;; esac; };

# same FILE: FILE has the hash h. The fastest that can tell does; where nothing
# can, it is taken for granted, and x is set. Openssl goes first for its speed.
same() { x=x; for w in "openssl sha256" sha256sum sha256 "shasum -a 256" "busybox sha256sum"; do
	command -v ${w%% *} >/dev/null 2>&1 || continue;
	case $($w <"$1" 2>/dev/null) in *$h*) x=; return 0;; ?*) x=;; esac; done; [ "$x" ]; };

# The places, best first; none in the home of another user, which sudo may leave
# in HOME. Behind a - comes the number of the user.
[ -O "$XDG_CACHE_HOME" ] && set -- "$XDG_CACHE_HOME/luagw";
[ -O "$HOME" ] && set -- "$@" "$HOME/.cache/luagw";
set -- "$@" /var/tmp/luagw- /dev/shm/luagw-;
[ -O "$XDG_RUNTIME_DIR" ] && set -- "$@" "$XDG_RUNTIME_DIR/luagw";
set -- "$@" /tmp/luagw-;
h= u=;
place() { case $d in /*-) d=$d${u:=$(id -u)};; /*) ;; *) return 1;; esac; f=$d/luagw-agent-$h; };

# c names this boot of the system, if that tells; v is what a mark says of f. tmp.$r
# is a name that nobody else takes: systems that share a home may give the
# same number to their processes.
c= r= v=; { read -r c </proc/sys/kernel/random/boot_id; read -r r </proc/sys/kernel/random/uuid; } 2>/dev/null;
r=$$${r%%-*};

# check [NAME]: nobody else can write to d, or put another in its place. If it is not
# so, e says why. The directory above d is sticky (t), or ours and closed to others (x).
# s is how ls shows NAME in d, with its inode and the time of its last change, which
# nobody can set; nothing where that is not told to the nanosecond. Before it comes sh,
# which tells one system from another, for a kernel can have several.
check() { i= s=;
	[ -O "$d" ] || { e="it belongs to another user"; return 1; };
	[ -L "$d" ] && { e="it is a symbolic link"; return 1; };
	w="-ldn . .."; [ "$c" ] && [ "$1" ] && w="-ldnic --full-time . .. /bin/sh $1";
	w=$(cd "$d" && LC_ALL=C ls $w 2>/dev/null) || w=$(cd "$d" && LC_ALL=C ls -ldn . ..);
	for w in $w; do
		case $w in d????????[tT]*) i=t$i;; d????-??-*) i=x$i;; ..) s=$c;; *) s=${s:+$s $w};; esac; done;
	case $s in *:??.000000000???????$1) s=;; *:??.????????????????$1) ;; *) s=;; esac;
	[ "$i" = tx ] || { [ "$i" = xx ] && [ -O "$d/.." ]; } ||
	{ e="others can write to it, or to the directory above it"; return 1; }; };

# clean: remove what nobody has used for long, but not f, which is about to run. What
# runs cannot be opened for writing.
clean() { (cd "$d" && find . -type f "(" -name "tmp.*" -mtime +0 -o -name "luagw-agent-*" -atime +30 ")" |
	while read -r w; do [ "$d${w#.}" = "$f" ] || { true >>"$w" && rm -f "$w"; }; done) 2>/dev/null; true; };

# ready: the agent is here, and s is told of it.
ready() { [ -f "$f" ] && [ -x "$f" ] && [ -O "$f" ] && check "${f##*/}"; };

# known: f is an agent that is wanted, and as it was when its hash was right, in this
# boot and on this system; so says a mark, of which the first line is what uname said
# then, and the second was s.
known() { for k in "$d"/luagw-agent-*."$c"; do [ -f "$k" ] && [ -O "$k" ] &&
	{ read -r m && read -r v; } <"$k" && pick && place && [ "$k" = "$f.$c" ] &&
	ready && [ "$s" ] && [ "$s" = "$v" ] && return 0; done; return 1; };

# mark: leave one, or nothing where there is no room.
mark() { w=$d/tmp.$r; [ "$s" ] && [ -z "$x" ] &&
	{ (umask 77; { echo "$m"; echo "$s"; } >"$w" && mv -f "$w" "$f.$c") 2>/dev/null && clean || rm -f "$w"; }; true; };

# run: become the agent. An exit follows, for where the system does not take it for
# an executable mksh returns from here, and waits for ever for what it starts next:
# hence no trap either. The number of this process, which the agent keeps, says that
# it is meant, and not another program with this environment.
run() { trap - 0; echo; echo "luagw-bootstrap run $m: $f"; LUAGW_SERVE=stdio; export LUAGW_SERVE;
	[ "$l" ] && LUAGW_AHEAD="$$ $l" && export LUAGW_AHEAD; exec "$f"; };

# The agent is here: as it was when it was marked, or with the right hash.
[ "$c" ] && for d; do place && known && { run; exit; }; done;
m=$(uname -sm); pick;
for d; do place && ready && same "$f" && { mark; run; exit; }; done;

# It is not here. Yash comes no further in its input than to the first zero byte, of
# which what was sent ahead has some.
[ "$YASH_VERSION" ] && { echo; echo "luagw-bootstrap cannot its sh is yash, which reads nothing behind a zero byte"; exit 1; };

# From now on all ends in run, or in failure.
set -f; o=$(umask) t= q=; umask 77;
drop() { [ "$t" ] && rm -f "$t" "$t.z"; };
trap drop 0; trap "exit 1" 1 2 13 15;
z=cat; command -v gzip >/dev/null 2>&1 && z="gzip -dc";

# get: get the agent into d. What was sent ahead, and what is left of a former
# try, is skipped. A dd never reads more than bs*count, but may read less.
get() { echo; echo "luagw-bootstrap want $$ ${z%% *} $m";
	a= b=; until [ "$a$b" = "luagw-agent$$" ]; do LC_ALL=C read -r a b h n k || exit 1; done;
	place; t=$d/tmp.$k; i=0; e=$({ : >"$t.z"; } 2>&1) || return 1;
	while [ $i -lt $n ]; do
		y=$((n-i)); b=$((y<4096?y:4096));
		e=$(dd bs=$b count=$((y/b)) 2>&1 >>"$t.z") || return 1;
		y=$i; i=$(($(wc -c <"$t.z"))); [ $i -gt $y ] || exit 1; done;
	e=$({ $z <"$t.z" >"$t" && chmod 700 "$t"; } 2>&1) && check && { same "$t" || { e="what arrived has another hash"; false; }; } &&
	e=$(mv -f "$t" "$f" 2>&1) && drop && clean; };

[ -O "$HOME" ] || q="; ${HOME:-HOME}: it is missing, or belongs to another user";
for d; do place || continue; t=$d/tmp.$r;
	e=$(mkdir -p "$d" 2>&1) && check && e=$({ : >"$t" && chmod 700 "$t"; } 2>&1) &&
	{ e=$("$t" 2>&1) || { e="nothing may be run there: $e"; false; }; } && drop && get && { umask $o; run; exit; };
	drop; q="$q; $d: $e"; done;
echo; echo luagw-bootstrap failed $q; exit 1
