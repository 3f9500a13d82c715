# Managed by household.mediaserver. Written by `make docs` from the command's own parser.
# shellcheck shell=bash
_mediaserver() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command="" words=""
    [ "$COMP_CWORD" -gt 1 ] && command=${COMP_WORDS[1]}
    COMPREPLY=()
    case "$command $previous" in
    "import --kind") words="movies tv music books misc" ;;
    "restore --at") words="" ;;
    "restore --everything") words="" ;;
    "verify --address-page") words="" ;;
    "verify --target") words="" ;;
    "logs -n" | "logs --lines") words="" ;;
    "doctor --only") words="units vpn containers disk clock downloads notifications" ;;
    *)
        case "$command" in
        "") words="--help status import space remove health backup card restore refetch updates verify logs doctor version" ;;
        status) words="--help --json" ;;
        import) words="--help --json --dry-run --kind --again --existing" ;;
        space) words="--help --json" ;;
        remove) words="--help --json --undo --now --yes" ;;
        health) words="--help --json --quiet" ;;
        backup) words="--help --json --quiet --accept-missing --new-repository --check" ;;
        card) words="--help --json --confirm --without-password" ;;
        restore) words="--help --json --at --drill --complete --put-back --everything" ;;
        refetch) words="--help --json --dry-run --yes" ;;
        updates) words="--help --json --stored" ;;
        verify) words="--help --json --address-page --target" ;;
        logs) words="--help --json vpn-monitor barrier barrier-keeper stack import health backup updates discovery docker --lines --follow" ;;
        doctor) words="--help --json --only --notify-test" ;;
        version) words="--help --json" ;;
        esac
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _mediaserver mediaserver
