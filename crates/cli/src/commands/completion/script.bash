# Completion of kubectl-argo-rollouts for bash.

_kubectl_argo_rollouts() {
    # Words as they are typed: bash's own list is split at = and : too.
    local line=${COMP_LINE:0:COMP_POINT} directive=0 candidate answer
    local -a words
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    local current=${words[${#words[@]} - 1]}
    COMPREPLY=()
    answer=$("${words[0]}" __completeNoDesc "${words[@]:1}" 2>/dev/null) || return 0
    while IFS= read -r candidate; do
        case $candidate in
            :*) directive=${candidate#:} ;;
            "$current"*) COMPREPLY+=("$candidate") ;;
        esac
    done <<<"$answer"
    # 1: it failed. 4: nothing here is a file.
    if ((directive & 1)); then
        COMPREPLY=()
    elif ((${#COMPREPLY[@]} == 0 && !(directive & 4))); then
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    fi
}

complete -F _kubectl_argo_rollouts kubectl-argo-rollouts
