# Completion of utmcli for bash. The appliance's own grammar answers, live names included; where several words can
# follow, a second Tab lists them with their descriptions.

_utmcli() {
    local line word before cut reply about widest=0
    local -a words=() abouts=()
    # bash splits words at colons too (MAC and IPv6 addresses): take the line as it was typed, from the second word on.
    line=${COMP_LINE:0:COMP_POINT}
    line=${line#*[[:space:]]}
    word=${line##*[[:space:]]}
    COMPREPLY=()
    while [[ $line == --json\ * || $line == -i\ * || $line == --interactive\ * || $line == --dry-run\ * ]]; do
        line=${line#* }
    done
    case $line in
        lab | lab\ * | serve | serve\ *) return ;;
        service\ *) mapfile -t COMPREPLY < <(compgen -W 'install uninstall show' -- "$word") && return ;;
        completion\ *) mapfile -t COMPREPLY < <(compgen -W 'install show bash zsh fish' -- "$word") && return ;;
        -*) [[ $line != *\ * ]] && mapfile -t COMPREPLY < <(compgen -W \
            '--json --interactive --dry-run --stop-on-error --keep-going --run-dir --version --help -c -f' -- "$word") && return ;;
    esac
    # What bash regards as done of this word (all up to its last colon) must not come again.
    before=${COMP_WORDS[COMP_CWORD]}
    cut=$((${#word} - ${#before}))
    [[ $before == [:=] ]] && cut=${#word}
    while IFS=$'\t' read -r reply about; do
        [[ $reply == *= ]] && compopt -o nospace
        [[ $reply == '|' ]] && reply="'|'" # ours, not bash's
        words+=("${reply:cut}")
        abouts+=("$about")
        ((${#reply} - cut > widest)) && widest=$((${#reply} - cut))
    done < <("${COMP_WORDS[0]}" --complete "$line" 2>/dev/null)
    # 63 is `?`: the words are only listed, nothing of them is inserted (bash(1), COMP_TYPE).
    if ((COMP_TYPE == 63 && ${#words[@]} > 1)); then
        for cut in "${!words[@]}"; do
            [[ ${abouts[cut]} ]] && printf -v words[cut] "%-${widest}s  (%s)" "${words[cut]}" "${abouts[cut]}"
        done
    fi
    COMPREPLY=("${words[@]}")
}

complete -F _utmcli utmcli
