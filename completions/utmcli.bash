# Completion of utmcli for bash. The appliance's own grammar answers, live names included.

_utmcli() {
    local line word before cut reply
    # bash splits words at colons too (MAC and IPv6 addresses): take the line as it was typed, from the second word on.
    line=${COMP_LINE:0:COMP_POINT}
    line=${line#*[[:space:]]}
    word=${line##*[[:space:]]}
    COMPREPLY=()
    case $line in
        lab | lab\ * | serve | serve\ *) return ;;
        -*) [[ $line != *\ * ]] && mapfile -t COMPREPLY < <(compgen -W '--json --interactive --run-dir --version --help' -- "$word") && return ;;
    esac
    while [[ $line == --json\ * || $line == -i\ * || $line == --interactive\ * ]]; do line=${line#* }; done
    # What bash regards as done of this word (all up to its last colon) must not come again.
    before=${COMP_WORDS[COMP_CWORD]}
    cut=$((${#word} - ${#before}))
    [[ $before == [:=] ]] && cut=${#word}
    while IFS=$'\t' read -r reply _; do
        [[ $reply == *= ]] && compopt -o nospace
        COMPREPLY+=("${reply:cut}")
    done < <("${COMP_WORDS[0]}" --complete "$line" 2>/dev/null)
}

complete -F _utmcli utmcli
