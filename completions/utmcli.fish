# Completion of utmcli for fish. The appliance's own grammar answers, with descriptions and live names.

function __utmcli_complete
    # The line as it was typed, without the name of the program and without options.
    set -l line (commandline --cut-at-cursor --current-process | string replace --regex '^\s*\S+\s+' '' \
        | string replace --regex '^((--json|-i|--interactive|--dry-run)\s+)+' '')
    utmcli --complete "$line" 2>/dev/null
end

complete --command utmcli --no-files
complete --command utmcli --condition '__fish_is_first_token' --long-option json --description 'one JSON document for each command'
complete --command utmcli --condition '__fish_is_first_token' --short-option i --long-option interactive --description 'a session'
complete --command utmcli --condition 'not __fish_seen_subcommand_from lab serve completion service' --arguments '(__utmcli_complete)'
complete --command utmcli --condition '__fish_is_first_token' --long-option dry-run --description 'check only'
complete --command utmcli --condition '__fish_seen_subcommand_from completion' --arguments 'install show bash zsh fish'
complete --command utmcli --condition '__fish_seen_subcommand_from service' --arguments 'install uninstall show'
