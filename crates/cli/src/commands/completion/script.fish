# Completion of kubectl-argo-rollouts for fish.

function __kubectl_argo_rollouts_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l directive 0
    set -l candidates
    for line in ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
        if string match -q ':*' -- $line
            set directive (string sub -s 2 -- $line)
        else
            set -a candidates $line
        end
    end
    # 1: it failed. 4: nothing here is a file.
    if test (math "bitand($directive, 1)") -ne 0
        return
    end
    if test (count $candidates) -eq 0; and test (math "bitand($directive, 4)") -eq 0
        __fish_complete_path "$current"
        return
    end
    printf '%s\n' $candidates
end

complete -c kubectl-argo-rollouts -e
complete -c kubectl-argo-rollouts -f -a '(__kubectl_argo_rollouts_complete)'
