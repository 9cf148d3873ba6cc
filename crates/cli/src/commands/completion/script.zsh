#compdef kubectl-argo-rollouts
# Completion of kubectl-argo-rollouts for zsh.

_kubectl_argo_rollouts() {
    local answer line directive=0
    local -a candidates
    answer=$(${words[1]} __complete "${(@)words[2,CURRENT]}" 2>/dev/null) || return 1
    for line in "${(@f)answer}"; do
        if [[ $line == :* ]]; then
            directive=${line#:}
        elif [[ -n $line ]]; then
            # _describe wants name:description, with colons in names escaped.
            if [[ $line == *$'\t'* ]]; then
                candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
            else
                candidates+=("${line//:/\\:}")
            fi
        fi
    done
    # 1: it failed. 4: nothing here is a file.
    ((directive & 1)) && return 1
    if ((${#candidates} == 0 && !(directive & 4))); then
        _files
        return
    fi
    _describe 'kubectl-argo-rollouts' candidates
}

if [[ $funcstack[1] == _kubectl_argo_rollouts ]]; then
    _kubectl_argo_rollouts "$@"
else
    compdef _kubectl_argo_rollouts kubectl-argo-rollouts
fi
