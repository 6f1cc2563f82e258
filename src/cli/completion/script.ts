/** The scripts that shells source. zsh and fish are those of @bomb.sh/tab; bash is ours, because its words break at the ":" of refs. */
import { printed } from './printed.ts'

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

export async function completionScript(shell: Shell): Promise<string> {
  if (shell === 'bash') return bash
  const { script } = await import('@bomb.sh/tab')
  return printed(() => script(shell, 'tblctl', 'tblctl'))
}

/**
 * Nothing that was typed is evaluated. Readline replaces only what follows the last break (":" and "=" by default), so that is what
 * it gets. Directive 4: no files. Needs no bash-completion package, and may be sourced again.
 */
const bash = `# bash completion for tblctl
_tblctl() {
  local line="\${COMP_LINE:0:COMP_POINT}" program="\${COMP_WORDS[0]/#\\~/$HOME}"
  local words current output directive value rest
  read -r -a words <<< "$line"
  if [[ "$line" == *[[:space:]] ]]; then words+=(""); fi
  current="\${words[\${#words[@]} - 1]}"
  output="$("$program" complete -- "\${words[@]:1}" 2>/dev/null)" || return 0
  directive="\${output##*:}"
  COMPREPLY=()
  while IFS=$'\\t' read -r value rest; do
    if [[ -n "$value" && "$value" != ":$directive" ]]; then COMPREPLY+=("$value"); fi
  done <<< "$output"
  if [[ "$current" == --*=* ]]; then
    if [[ "$COMP_WORDBREAKS" != *=* ]]; then COMPREPLY=("\${COMPREPLY[@]/#/\${current%%=*}=}"); fi
    current="\${current#*=}"
  fi
  if [[ "$current" == *:* && "$COMP_WORDBREAKS" == *:* ]]; then
    COMPREPLY=("\${COMPREPLY[@]#"\${current%:*}:"}")
  fi
  if [[ \${#COMPREPLY[@]} -eq 0 && $((directive & 4)) -eq 0 ]]; then compopt -o default 2>/dev/null; fi
}
complete -F _tblctl tblctl
`
