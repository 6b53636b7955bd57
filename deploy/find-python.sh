# Prints the first Python that is new enough; says what to install when there is none. PYTHON is asked first, then the
# system's own: distributions build it by a profile of its use, which saves a fifth of the time of one built without.
for python in ${PYTHON:-} /usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11; do
    if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        echo "$python"
        exit 0
    fi
done
echo 'Python 3.11 or newer with its venv module is needed (Debian: apt-get install python3-venv), or set PYTHON.' >&2
exit 1
