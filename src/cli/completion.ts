import { Argument, Command } from "commander";
import { candidates } from "./complete.ts";
import { subcommand } from "./subcommand.ts";
import type { Terminal } from "./terminal.ts";

/** The scripts ask `wharf __complete =CURRENT WORD…`; the sign keeps an empty word from getting lost. */
const SCRIPTS = {
  bash: `# wharf completion bash >/etc/bash_completion.d/wharf
_wharf() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <(wharf __complete "=\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null)
}
complete -o bashdefault -o default -F _wharf wharf`,
  zsh: `#compdef wharf
# wharf completion zsh >"\${fpath[1]}/_wharf"
_wharf() {
  local line
  local -a lines found
  lines=("\${(@f)$(wharf __complete "=\${words[CURRENT]}" "\${(@)words[2,CURRENT-1]}" 2>/dev/null)}")
  for line in $lines; do
    found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( \${#found} )); then _describe wharf found; else _files; fi
}
if [ "$funcstack[1]" = _wharf ]; then _wharf "$@"; else compdef _wharf wharf; fi`,
  fish: `# wharf completion fish >~/.config/fish/completions/wharf.fish
function __wharf_complete
  set -l words (commandline -opc)
  wharf __complete "="(commandline -ct) $words[2..-1] 2>/dev/null
end
complete -c wharf -a '(__wharf_complete)'`,
  powershell: `# wharf completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName wharf -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements | Select-Object -Skip 1 |
    Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { "$_" })
  wharf __complete "=$wordToComplete" @words 2>$null | ForEach-Object {
    $value, $description = $_ -split "\`t", 2
    if (-not $description) { $description = $value }
    [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $description)
  }
}`,
} as const;

export const SHELLS = Object.keys(SCRIPTS) as (keyof typeof SCRIPTS)[];

export function completionCommand(terminal: Terminal): Command {
  return subcommand("completion", terminal)
    .summary("print a script that lets your shell complete wharf's commands")
    .addArgument(new Argument("<SHELL>").choices(SHELLS))
    .addHelpText("after", EXAMPLES)
    .action((shell: keyof typeof SCRIPTS) => terminal.print(SCRIPTS[shell]));
}

const EXAMPLES = `
Examples:
  source <(wharf completion bash)
  wharf completion zsh >"\${fpath[1]}/_wharf"
  wharf completion fish >~/.config/fish/completions/wharf.fish
  wharf completion powershell | Out-String | Invoke-Expression`;

/** What the scripts ask: a candidate a line, with a tab and what it means. */
export function completeCommand(program: () => Command, terminal: Terminal): Command {
  return new Command("__complete")
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .argument("<=CURRENT>")
    .argument("[WORD...]")
    .action((current: string, before: readonly string[]) => {
      for (const { value, description } of candidates(program(), before, current.slice(1))) {
        terminal.print(`${value}\t${description.split("\n")[0] ?? ""}`);
      }
    });
}
